"""Archives on disk: layout, read, write, import, check, the demo market; universes and corporate actions, files too."""
