"""The extension's widgets: built from the field table, told about the host by their caller."""
