"""What others can change: a warning at the start, and with `strict` neither a start nor a change."""

from tests.e2e.real_engine import EngineProcess, Place

LOOK = "name: look\ntrigger: {action: look}\nsteps: [{wait: 1ms}]\n"
SAYS = "others-can-write: any user can change it (chmod o-w"


def strict(place: Place) -> None:
    config = place.folder / "config.yaml"
    config.write_text(config.read_text() + "strict: true\n")


def test_a_warning_says_who_could_change_it(place: Place) -> None:
    playbook = place.write("playbooks/look.yaml", LOOK)
    playbook.chmod(0o666)
    engine = place.start()
    [problem] = [entry for entry in engine.log if entry["action"] == "problem"]
    assert (problem["level"], problem["problem"]) == (
        "warning",
        f"{playbook}:1:1: warning: {SAYS})",
    )
    [shown] = engine.request("GET", "/readyz")[1]["problems"]
    assert (shown["code"], shown["level"]) == ("others-can-write", "warning")


def test_strict_starts_nothing_and_takes_no_change(place: Place) -> None:
    strict(place)
    playbook = place.write("playbooks/look.yaml", LOOK)
    playbook.chmod(0o666)
    refused = place.process("serve")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"{playbook}:1:1: {SAYS}; `strict` of config.yaml takes ")
    assert refused.stderr.count("\n") == 1

    playbook.chmod(0o644)
    engine = place.start()
    before = loaded(engine)
    late = place.write("playbooks/late.new", LOOK.replace("look", "late"))
    late.chmod(0o666)
    late.rename(place.folder / "playbooks/late.yaml")
    engine.wait_for("reload_refused")
    assert loaded(engine) == before

    (place.folder / "playbooks/late.yaml").chmod(0o644)
    engine.wait_for("reloaded", new=["late"])


def loaded(engine: EngineProcess) -> str:
    return str(engine.request("GET", "/readyz")[1]["playbooks"]["version"])


def test_lint_says_it_where_an_engine_works(place: Place) -> None:
    place.write("playbooks/look.yaml", LOOK).chmod(0o666)
    assert "no problems" in place.command("lint", "--strict").stdout  # of a mere checkout
    place.start().terminate()
    here = place.command("lint", "--strict")
    assert (here.returncode, f"warning: {SAYS})" in here.stdout) == (1, True)
    strict(place)
    assert f": {SAYS}; `strict`" in place.command("lint").stdout
    assert "no problems" in place.command("lint", f"{place.folder}/playbooks").stdout
