"""The benchmark of the Hessian diagonals: its table says what it should, its pictures are drawn."""

from benchmarks import curvature as bench
from benchmarks import curvature_plots as plots


def test_one_column_of_the_accuracy_table():
    cell = ("init", "CE", 2)
    found = bench.accuracy([cell], count=2)
    errors = {name: [report["relative L1"] for report in row[cell]] for name, row in found.items()}
    assert max(errors["full, q=2"]) < 1e-13 < min(errors["low rank, q=1"])
    for better, worse in (
        ("low rank, q=1", "HesScale"),
        ("HesScale", "Becker-LeCun, softmax elementwise"),
        ("HesScale", "Gauss-Newton"),
        ("Gauss-Newton", "squared gradient"),
        ("Hutchinson 100", "Hutchinson 10"),
    ):
        assert max(errors[better]) < min(errors[worse])
    table = bench.accuracy_table(found)
    assert "CE, init" in table
    assert all(name in table for name in bench.METHODS)
    assert "elementwise" not in bench.accuracy_table(
        {name: {("init", "L2", 2): row[cell]} for name, row in found.items()}
    )


def test_training_lowers_the_loss_and_ratios_start_with_the_unit():
    net = bench.Network(0, [6, 8, 4])
    before = net(*net.P)
    net.train(steps=20)
    assert net(*net.P) < before
    calls = bench.our_calls(net)
    assert bench.ratios(calls, rounds=1)["gradient"] == 1
    assert list(bench.ratios(calls, rounds=1)) == list(calls)


def test_the_pictures_are_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "networks", lambda cell, count=1: bench.networks(("init", *cell[1:]), 1))
    monkeypatch.setattr(plots, "prices", lambda net: dict.fromkeys(plots.STYLES, 2.0))
    plots.draw(tmp_path, bench.accuracy([("init", "CE", 4), ("trained", "CE", 4)], count=1))
    assert len(list(tmp_path.glob("*.png"))) == 4
