"""The Fooocus tab's page, in Gradio."""
