"""The wind tunnel's settings, tables, sentences and sheet, without a host."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks import wind_tunnel
from benchmarks._tunnel import evaluation, report, settings, sheet
from benchmarks._tunnel.features import Projection
from benchmarks._tunnel.measures import Estimate
from fooocus_ext import args


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.name)
def test_the_extension_accepts_each_setting_and_does_one_thing_more_than_off(setting):
    arguments = setting.script_arguments("refiner.safetensors")
    if arguments is None:
        return
    parsed = args.parse([{"enabled": True, **arguments}])
    assert not parsed.expansion
    assert parsed.refiner in {"refiner.safetensors", args.NONE}
    assert setting.arguments.keys() <= arguments.keys()
    assert {**settings.NO_TRICKS, **setting.arguments} != settings.NO_TRICKS


def test_off_is_off():
    off = args.parse([{"enabled": True, **settings.NO_TRICKS}])
    assert (off.sharpness, off.adm_positive, off.adm_negative, off.expansion) == (0, 1, 1, False)
    assert all(setting.cfg_scale <= off.adaptive_cfg for setting in settings.SETTINGS)
    assert off.refiner == args.NONE


def test_names_are_unique_and_every_baseline_differs_by_the_tricks_alone():
    by_name = {setting.name: setting for setting in settings.SETTINGS}
    assert len(by_name) == len(settings.SETTINGS)
    for setting in settings.SETTINGS:
        baseline = by_name[setting.baseline] if setting.arguments else setting
        assert baseline.arguments is None
        assert baseline.cfg_scale == setting.cfg_scale


def test_everything_that_was_asked_for_is_there():
    tricks = [setting.arguments for setting in settings.SETTINGS if setting.arguments]
    assert {a["sharpness"] for a in tricks if a.keys() == {"sharpness"}} == {2, 10, 30}
    assert {a["adm_end"] for a in tricks if "adm_end" in a} == {0.3, 1.0}
    refiners = {
        (a["refiner_method"], a["refiner_switch"])
        for a in tricks
        if a.keys() == {"refiner", "refiner_method", "refiner_switch"}
    }
    assert refiners == {(m, s) for m in args.REFINER_METHODS for s in (0.6, 0.8)}
    adaptive = [s.cfg_scale for s in settings.SETTINGS if s.group == "adaptive" and s.arguments]
    assert set(adaptive) == {4, 7, 12}


def test_a_group_brings_plain_and_its_baselines_along():
    names = [setting.name for setting in settings.chosen(["all"])]
    assert names == ["plain", "plain, CFG 7", "all tricks, CFG 3", "all tricks, CFG 7"]
    assert settings.chosen(settings.GROUPS) == list(settings.SETTINGS)


# --- from pictures to sentences -----------------------------------------------------------------------


class Cases:
    """A truth of which only the resampling matters, for draws made by hand."""

    weights = np.random.default_rng(0).dirichlet(np.ones(40), 501)


def draws(frechet: float, detail: float, right: float) -> evaluation.Draws:
    noise = np.random.default_rng(1).normal(size=501)
    noise[0] = 0
    columns = {m.key: 0.001 * noise for m in evaluation.MEASURES}
    for measure in evaluation.MEASURES:
        level = {"distance": frechet, "detail": np.log(detail), "following": right}[measure.kind]
        columns[measure.key] = columns[measure.key] + level
    return columns


def row(name, mine, other=None) -> report.Row:
    if other is None:
        return report.Row(name, evaluation.values(mine))
    difference = evaluation.differences(mine, other)
    return report.Row(name, evaluation.values(mine), "plain", difference, change=3.0)


def verdicts(mine, other) -> set[str]:
    jitter = np.random.default_rng(2).normal(size=501) * 0.01
    shaken = {key: column + jitter for key, column in mine.items()}
    return {d.verdict for d in evaluation.differences(shaken, other).values()}


def test_nearer_more_true_and_better_followed_helps_and_the_reverse_hurts():
    worse, better = draws(0.5, 0.5, 0.5), draws(0.2, 0.9, 0.8)
    assert verdicts(better, worse) == {"helps"}
    assert verdicts(worse, better) == {"hurts"}
    assert verdicts(worse, worse) == {"no visible effect"}


def test_more_detail_hurts_where_there_is_too_much_already():
    harsh, harsher = draws(0.2, 1.5, 0.8), draws(0.2, 2.0, 0.8)
    found = evaluation.differences(harsher, harsh)
    assert found["detail 2-4 px"].verdict == "hurts"
    assert found["detail 2-4 px"].shown.value == pytest.approx(2.0 / 1.5, rel=0.01)


def test_the_very_same_pictures_have_no_effect():
    same = draws(0.2, 1.0, 0.8)
    found = evaluation.differences(same, same)
    assert {d.verdict for d in found.values()} == {"no visible effect"}


def test_shares_stay_between_0_and_100_percent():
    found = evaluation.values(draws(0.2, 1.0, 1.0))["colour"]
    assert found.low <= found.value <= found.high <= 100


def test_sentences_say_what_the_intervals_say():
    plain, smooth = draws(0.5, 1.0, 0.5), draws(0.2, 0.5, 0.5)
    rows = [row("plain", plain), row("soft", smooth, plain)]
    first, second, last = report.says(rows)
    assert first == "plain: detail as in true pictures."
    assert second.startswith("soft: too smooth at 16-32 px (0.50), 8-16 px (0.50)")
    assert "helps Frechet distance -30.00" in second
    assert "hurts detail 16-32 px 0.50" in second
    assert "colour" not in second
    assert last.startswith("5 of 8 differences")
    same = report.Row("same", rows[0].values, "plain", evaluation.differences(plain, plain))
    assert report.says([same])[0].endswith("Against plain: the very same pictures.")


def test_tables_are_markdown_with_a_line_for_each_row():
    plain = draws(0.5, 1.0, 0.5)
    rows = [row("plain", plain), row("other", draws(0.2, 0.5, 0.5), plain)]
    values, differences = report.values_table(rows), report.differences_table(rows)
    assert [len(table.splitlines()) for table in (values, differences)] == [4, 3]
    for table in (values, differences):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "-30.00 [" in differences
    assert "50 [50, 50]" in values


def test_json_holds_no_nan():
    unknown = {"colour": Estimate(float("nan"), float("nan"), float("nan"))}
    text = json.dumps(evaluation.as_json(unknown), allow_nan=False)
    assert json.loads(text) == {"colour": {"value": None, "low": None, "high": None}}
    plain = draws(0.5, 1.0, 0.5)
    json.dumps(report.row_as_json(row("x", draws(0.2, 0.5, 0.5), plain)), allow_nan=False)


def test_projected_pictures_have_a_total_variance_of_one_and_are_told_apart(monkeypatch):
    random = np.random.default_rng(6)
    flat = np.broadcast_to(random.integers(0, 256, (24, 1, 1, 3)), (24, 32, 32, 3)).astype(np.uint8)
    monkeypatch.setattr(
        "benchmarks._tunnel.features.raw_features",
        lambda p: (p[:, 0, 0, :1] / 1.0, p[:, 0, 0] / 1.0),
    )
    project, features = Projection.fit(flat, 3)
    assert features.var(axis=0).sum() == pytest.approx(1)
    assert project(flat) == pytest.approx(features)
    assert features.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert (np.diff(features.var(axis=0)) <= 0).all()


def test_the_sheet_has_a_row_for_each_setting_and_a_column_for_each_caption():
    rows = {
        "first": np.full((3, 128, 128, 3), (255, 0, 0), np.uint8),
        "second": np.full((3, 128, 128, 3), (0, 0, 255), np.uint8),
    }
    made = sheet.contact_sheet(rows, ["one", "two " * 40, "three"])
    step = 128 + sheet.GAP
    assert made.size == (sheet.LABEL_WIDTH + 3 * step, sheet.CAPTION_HEIGHT + 2 * step)
    x, y = sheet.LABEL_WIDTH + 2 * step + 64, sheet.CAPTION_HEIGHT + 64
    assert made.getpixel((x, y)) == (255, 0, 0)
    assert made.getpixel((x, y + step)) == (0, 0, 255)


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--samples", "3"], ["--only", "nothing"], ["--samples", "x"]])
def test_what_cannot_be_measured_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stop:
        wind_tunnel.main(words)
    assert stop.value.code == 2
    assert "usage: dev.py tunnel" in capsys.readouterr().err


def test_the_whole_tunnel_with_a_painter_in_the_models_place(monkeypatch, tmp_path, capsys):
    from benchmarks._tunnel import cases, features

    def paint(setting, drawn):
        return cases.true_pictures(drawn, 20 + int(setting.arguments is not None))

    def colours_only(pictures):
        parts = pictures.reshape(len(pictures), 4, 32, 4, 32, 3).mean(axis=(2, 4))
        return parts.reshape(len(pictures), -1)[:, :9], parts.reshape(len(pictures), -1)

    monkeypatch.setattr(wind_tunnel, "sample", paint)
    monkeypatch.setattr(wind_tunnel, "through_autoencoder", lambda pictures: pictures // 2)
    monkeypatch.setattr(features, "raw_features", colours_only)
    monkeypatch.setattr(evaluation, "COPIES", 2)
    numbers, picture = tmp_path / "numbers.json", tmp_path / "new" / "sheet.png"
    words = ["--samples", "8", "--only", "adm", "--json", str(numbers), "--sheet", str(picture)]
    assert wind_tunnel.main(words) == 0
    text = capsys.readouterr().out
    assert "| ADM 1.5/0.8, end 0.3" in text
    assert "true pictures, through the autoencoder" in text
    written = json.loads(numbers.read_text("utf-8"))
    assert written["pictures"]["ADM 1.5/0.8, end 1"]["arguments"]["adm_end"] == 1.0
    darker = written["pictures"]["true pictures, through the autoencoder"]
    assert darker["verdicts"]["frechet"] == "hurts"
    assert len(written["cases"]) == 8
    assert picture.read_bytes().startswith(b"\x89PNG")
