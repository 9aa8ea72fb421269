"""What happens to a prompt's text before the host encodes it.

In reading order:

=======================  ==================================================================================
``rewrite.py``           the way of one picture's texts, from what was typed to what is encoded
``grammar.py``           the webui's brackets, tags and ``AND``, which keep their meaning on that way
``comments.py``          what begins a comment, and where words may be added so that none swallows them
``lines.py``             a prompt box taken apart: the main text and the lines below it
``wildcards.py``         ``__name__``: a line of a file
``arrays.py``            ``[[red, green]]``: one after the other, picture by picture
``styles.py``            styles, and how several of them meet one prompt
``parts.py``             the parts that ``AND`` divides a prompt into: what each of them gets
``style_files.py``       styles read from files
``style_names.py``       names of other collections, and our nearest style to each
``expander/``            a language model that writes on behind the prompt
``expansion_model/``     its files: the model that ships with the extension
``expansion_folder.py``  where a copy of Fooocus's own lies, and how one is downloaded
``regions.py``           where its words go in a prompt for several regions of the picture
``embeddings.py``        ``embedding:name``, in the webui's words
``text_lists.py``        from here on, Fooocus's rendering alone: the texts that are encoded one by one
``weights.py``           how much each piece of such a text weighs
``chunks.py``            its tokens, in chunks as the text encoders take them
=======================  ==================================================================================
"""
