"""The settings of a finished picture, in whatever form its file, its infotext or a log carries them."""
