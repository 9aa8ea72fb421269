"""What the extension adds to the webui's HTTP server: routes, and who may use them."""
