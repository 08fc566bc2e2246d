"""Built-in scanners, one file each; `scanners.base` is the API to write one's own."""
