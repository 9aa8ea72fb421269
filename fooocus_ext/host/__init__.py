"""The only code of the extension that imports the webui."""
