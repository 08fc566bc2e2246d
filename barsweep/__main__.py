"""`python -m barsweep`: the command."""

from engine.cli.main import main

main()
