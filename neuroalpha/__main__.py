"""``python -m neuroalpha`` is the command ``neuroalpha``."""

from neuroalpha.cli import main

main()
