"""The arithmetic of Fooocus's sampling, free of any host: tensors and numbers in, tensors and numbers out.

Imports torch and the standard library only.
"""
