"""The command line of bulk: what is wrong with a value is said with what is allowed."""

from __future__ import annotations

import pytest

from bulk import options
from bulk.errors import UsageError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--attempts", "x"], "--attempts: got 'x'; allowed: a whole number above 0"),
        (["--attempts", "0"], "--attempts: got '0'; allowed: a whole number above 0"),
        (["--shard-size", "1.5"], "--shard-size: got '1.5'; allowed: a whole number above 0"),
        (["--timeout", "x"], "--timeout: got 'x'; allowed: a number above 0"),
        (["--timeout", "nan"], "--timeout: got 'nan'; allowed: a number above 0"),
        (["--patience", "-1"], "--patience: got '-1'; allowed: a number above 0"),
    ],
)
def test_a_number_that_is_none_is_answered_with_what_is_allowed(capsys, words, said):
    with pytest.raises(SystemExit) as stop:
        options.parser().parse_args(["list.jsonl", *words])
    assert stop.value.code == options.USAGE_ERROR
    assert capsys.readouterr().err.rstrip().endswith(said)


def test_numbers_are_taken():
    found = options.parser().parse_args(["list.jsonl", "--attempts", "5", "--timeout", "0.5"])
    assert (found.attempts, found.timeout, found.shard_size) == (5, 0.5, 1000)


@pytest.mark.parametrize(
    "url", ["http://ann:secret@a:7860", "http://ann@a:7860", "ann:secret@a:7860"]
)
def test_a_password_in_an_address_is_refused_and_not_repeated(url):
    """The address is written into the journal, the status and the log."""
    with pytest.raises(UsageError, match="without a password, which --auth-file has") as refusal:
        options.checked_urls(["http://b:7860", url])
    assert "secret" not in str(refusal.value)


def test_an_at_sign_elsewhere_in_an_address_is_no_password():
    assert options.checked_urls(["http://a:7860/@b/"]) == ["http://a:7860/@b"]
