"""The settings page's list of model files and its form for an expansion model.

javascript/fooocus_downloads.js and javascript/fooocus_model.js act on them.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from fooocus_ext.prompting.expander.folder import NOTICE

MODEL_LIST = """
<details id="fooocus_model_files">
<summary>Model files that can be downloaded</summary>
<ul class="fooocus-downloads" data-files="*"></ul>
</details>
"""
"""The place of the list, which the page fills."""
_FORM = """
<form id="fooocus_model_download">
<h3>Your own expansion model</h3>
<p>A model in <code>{folder}</code> replaces the built-in one. Copy its files there, or download them
from an address you trust; each file is checked against its SHA-256.</p>
<p class="fooocus-notice">{notice}</p>
<label class="fooocus-accept"><input type="checkbox" name="accepted" required>
I have read this and accept it.</label>
<label>Address of the model's folder
<input type="url" name="address" required maxlength="2000"></label>
<label><span>Files to download, one per line: SHA-256 and name, as <code>sha256sum *</code> prints them</span>
<textarea name="files" required rows="6" spellcheck="false"></textarea></label>
<button type="submit">Download</button>
<button type="button" name="cancel" hidden>Cancel</button>
<progress value="0" max="1" aria-label="Downloading the expansion model" hidden></progress>
<p class="fooocus-outcome" role="status"></p>
</form>
"""


def download_form(folder: Path) -> str:
    """Return the form as HTML.

    Args:
        folder: where the model is downloaded to.
    """
    return _FORM.format(folder=escape(str(folder)), notice=escape(NOTICE))
