"""The wind tunnel's settings, tables, sentences and sheet, without a host."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks import wind_tunnel
from benchmarks._tunnel import cases, evaluation, features, report, sampling, settings, sheet
from benchmarks._tunnel.features import Projection
from benchmarks._tunnel.measures import Estimate
from embedded_webui.pictures import Made
from fooocus_ext import args


@pytest.mark.parametrize("setting", settings.SETTINGS, ids=lambda setting: setting.name)
def test_the_extension_accepts_each_setting_and_does_one_thing_more_than_off(setting):
    arguments = setting.script_arguments("refiner.safetensors")
    if arguments is None:
        return
    parsed = args.parse([{"enabled": True, **arguments}])
    assert parsed.expansion == setting.arguments.get("expansion", False)
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
    # "vae" has two decodings more and so pictures of its own: it is Fooocus's affair, not a trick's.
    assert refiners == {(m, s) for m in ("joint", "separate") for s in (0.6, 0.8)}
    adaptive = [s.cfg_scale for s in settings.SETTINGS if s.group == "adaptive" and s.arguments]
    assert set(adaptive) == {4, 7, 12}


def test_a_group_brings_plain_and_its_baselines_along():
    names = [setting.name for setting in settings.chosen(["all"])]
    assert names == ["plain", "plain, CFG 7", "all tricks, CFG 3", "all tricks, CFG 7"]
    assert settings.chosen(settings.GROUPS) == list(settings.SETTINGS)


# --- from pictures to sentences -----------------------------------------------------------------------


def found(frechet: float, detail: float, right: float) -> evaluation.Found:
    """Measures of 40 pictures with small intervals, or of so many that are right."""
    noise = np.random.default_rng(1).normal(size=501)
    noise[0] = 0
    levels = {"distance": frechet, "detail": np.log(detail)}
    return {
        m.key: (np.arange(40) < 40 * right).astype(float)
        if m.kind == "following"
        else levels[m.kind] + 0.001 * noise
        for m in evaluation.MEASURES
    }


def row(name, mine, other=None, **facts) -> report.Row:
    if other is None:
        return report.Row(name, evaluation.values(mine))
    difference = evaluation.differences(mine, other)
    return report.Row(name, evaluation.values(mine), "plain", difference, 3.0, facts)


def verdicts(mine, other) -> set[str]:
    jitter = np.random.default_rng(2).normal(size=501) * 0.01
    jitter[0] = 0
    shaken = {k: column + jitter if len(column) > 40 else column for k, column in mine.items()}
    return {d.verdict for d in evaluation.differences(shaken, other).values()}


def test_nearer_more_true_and_better_followed_helps_and_the_reverse_hurts():
    worse, better = found(0.5, 0.5, 0.3), found(0.2, 0.9, 0.8)
    assert verdicts(better, worse) == {"helps"}
    assert verdicts(worse, better) == {"hurts"}
    assert verdicts(worse, worse) == {"no visible effect"}


def test_more_detail_hurts_where_there_is_too_much_already():
    harsh, harsher = found(0.2, 1.5, 0.8), found(0.2, 2.0, 0.8)
    compared = evaluation.differences(harsher, harsh)
    assert compared["detail 2-4 px"].verdict == "hurts"
    assert compared["detail 2-4 px"].shown.value == pytest.approx(2.0 / 1.5, rel=0.01)


@pytest.mark.slow
def test_a_mark_stands_where_the_shown_interval_excludes_no_effect_and_nowhere_else():
    random = np.random.default_rng(3)
    for _ in range(60):
        mine, other = ({k: column + random.normal(0, 0.02, len(column)) if len(column) > 40
                        else random.permutation(column)
                        for k, column in found(0.3, 1.0, 0.6).items()} for _ in range(2))  # fmt: skip
        for measure in evaluation.MEASURES:
            compared = evaluation.differences(mine, other)[measure.key]
            none = 1 if measure.kind == "detail" else 0
            visible = compared.verdict != "no visible effect"
            assert visible == compared.shown.excludes(none)


def test_the_very_same_pictures_have_no_effect():
    same = found(0.2, 1.0, 0.8)
    compared = evaluation.differences(same, same)
    assert {d.verdict for d in compared.values()} == {"no visible effect"}


def test_shares_stay_between_0_and_100_percent():
    shown = evaluation.values(found(0.2, 1.0, 1.0))["colour"]
    assert 80 < shown.low < shown.value == 100
    assert shown.high == 100


def test_sentences_say_what_the_intervals_say():
    plain, smooth = found(0.5, 1.0, 0.5), found(0.2, 0.5, 0.5)
    rows = [row("plain", plain), row("soft", smooth, plain, arguments={"sharpness": 2})]
    first, second, last = report.says(rows)
    assert first == "plain: no band visibly off the true pictures'."
    assert second.startswith("soft: too smooth at 16-32 px (0.50), 8-16 px (0.50)")
    assert "helps Frechet distance -30.00" in second
    assert "hurts detail 16-32 px 0.50" in second
    assert "colour" not in second
    assert last.startswith("Of 8 differences that tricks make, 5 have")
    same = report.Row("same", rows[0].values, "plain", evaluation.differences(plain, plain))
    assert report.says([same])[0].endswith("Against plain: the very same pictures.")


def test_tables_are_markdown_with_a_line_for_each_row():
    plain = found(0.5, 1.0, 0.5)
    rows = [row("plain", plain), row("other", found(0.2, 0.5, 0.5), plain)]
    values, differences = report.values_table(rows), report.differences_table(rows)
    assert [len(table.splitlines()) for table in (values, differences)] == [4, 3]
    for table in (values, differences):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert "-30.00 [" in differences
    assert "50 [35, 65]" in values


def test_json_holds_no_nan():
    unknown = {"colour": Estimate(float("nan"), float("nan"), float("nan"))}
    text = json.dumps(evaluation.as_json(unknown), allow_nan=False)
    assert json.loads(text) == {"colour": {"value": None, "low": None, "high": None}}
    plain = found(0.5, 1.0, 0.5)
    json.dumps(report.row_as_json(row("x", found(0.2, 0.5, 0.5), plain)), allow_nan=False)


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


@pytest.mark.slow
def test_features_tell_rough_from_smooth_and_red_from_blue():
    rough = np.random.default_rng(1).integers(0, 256, (128, 128, 1)).repeat(3, axis=2)
    smooth = np.full((128, 128, 3), 128)
    red = np.broadcast_to([200, 30, 30], (128, 128, 3))
    pictures = np.stack([rough, smooth, red, red[..., ::-1]]).astype(np.uint8)
    scattering, colours = features.raw_features(pictures)
    assert np.isfinite(scattering).all()
    assert colours.shape == (4, features.GRID**2 * 3)
    assert scattering[0, 1:].min() > scattering[1:, 1:].max() + 0.5  # the first is the mean
    assert colours[2].reshape(-1, 3).mean(axis=0) == pytest.approx(np.array([200, 30, 30]) / 255)


def test_runs_of_32_captions_and_more_have_equally_many_dimensions():
    found = [features.suitable_dimensions(samples) for samples in (8, 16, 32, 48, 64)]
    assert found == [2, 4, 8, 8, 8]


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


def _made(infotext, number):
    return Made([Image.new("RGB", (128, 128))] * number, [infotext], [])


@pytest.mark.parametrize(
    ("infotext", "number"),
    [
        ("Steps: 20, Fooocus: True, Fooocus skipped: sharpness", 2),
        ("Steps: 20", 2),
        ("Steps: 20, Fooocus: True", 1),
    ],
)
def test_pictures_without_the_trick_are_not_measured(monkeypatch, infotext, number):
    monkeypatch.setattr(sampling._host, "checkpoint", lambda _word: "refiner")
    monkeypatch.setattr(sampling._host, "generate", lambda *_, **__: _made(infotext, number))
    sharp = next(setting for setting in settings.SETTINGS if setting.group == "sharpness")
    with pytest.raises(sampling.NotAppliedError, match=r"sharpness 2: "):
        sampling.sample(sharp, cases.draw_cases(1, 2))


# --- the command --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["--samples", "3"],
        ["--samples", "x"],
        ["--only", "nothing"],
        ["--seed", "-1"],
        ["--sheet", "sheet.jpg"],
    ],
)
def test_what_cannot_be_measured_is_refused(words, capsys):
    with pytest.raises(SystemExit) as stop:
        wind_tunnel.main(words)
    assert stop.value.code == 2
    assert "usage: dev.py tunnel" in capsys.readouterr().err


@pytest.fixture
def painter(monkeypatch):
    """Paint in the models' place."""

    def paint(setting, drawn):
        return cases.true_pictures(drawn, 20 + int(setting.arguments is not None))

    def colours_only(pictures):
        parts = pictures.reshape(len(pictures), 4, 32, 4, 32, 3).mean(axis=(2, 4))
        return parts.reshape(len(pictures), -1)[:, :9], parts.reshape(len(pictures), -1)

    monkeypatch.setattr(wind_tunnel, "sample", paint)
    monkeypatch.setattr(wind_tunnel, "through_autoencoder", lambda pictures: pictures // 2)
    monkeypatch.setattr(features, "raw_features", colours_only)
    monkeypatch.setattr(evaluation, "COPIES", 2)


@pytest.mark.parametrize("lost", ["json", "sheet"])
def test_a_file_that_cannot_be_written_leaves_the_other_one(
    painter, monkeypatch, tmp_path, capsys, lost
):
    files = {"json": tmp_path / "numbers.json", "sheet": tmp_path / "sheet.png"}
    words = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    rows = wind_tunnel._rows

    def and_then_it_is_a_folder(*given):
        files[lost].mkdir()
        return rows(*given)

    monkeypatch.setattr(wind_tunnel, "_rows", and_then_it_is_a_folder)
    assert wind_tunnel.main(["--samples", "8", "--only", "adm", *words]) == 1
    assert f"{files.pop(lost)} could not be written: " in capsys.readouterr().err
    (other,) = files.values()
    assert other.stat().st_size > 1000


@pytest.mark.parametrize(("samples", "is_few"), [(8, True), (32, False)])
def test_of_few_pictures_the_intervals_are_said_to_be_narrow(painter, capsys, samples, is_few):
    wind_tunnel.main(["--samples", str(samples), "--only", "adm"])
    assert ("So few pictures prove little" in capsys.readouterr().out) is is_few


def test_the_whole_tunnel_with_a_painter_in_the_models_place(painter, tmp_path, capsys):
    numbers, picture = tmp_path / "made" / "numbers.json", tmp_path / "new" / "sheet.png"
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


@pytest.mark.parametrize("samples", ["x", "7", "8.5"])
def test_a_number_of_pictures_that_is_none_is_answered_with_what_is_allowed(capsys, samples):
    with pytest.raises(SystemExit):
        wind_tunnel.main(["--samples", samples])
    error = capsys.readouterr().err.rstrip()
    assert error.endswith(f"got {samples}; allowed: a whole number that is at least 8")
