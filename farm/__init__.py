"""The `farm` command: send work to a render farm and take its frames home; run a farm on this computer."""
