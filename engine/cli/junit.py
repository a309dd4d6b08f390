"""What came of playbook tests as JUnit XML, which build servers show."""

from collections.abc import Iterator
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from engine.cli.scenarios import Trial
from engine.cli.tested import told
from engine.cli.visible import clean
from engine.rehearsal.tried import Tried


def junit(trial: Trial) -> bytes:
    """One suite a test file, one test case a case; what is wrong with a file is an error of it."""
    root = Element("testsuites", name="engine test")
    suites = [*_of_cases(trial), *_of_files(trial)]
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, 0)) for suite in suites)))
    root.extend(suites)
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _of_cases(trial: Trial) -> Iterator[Element]:
    for file, group in groupby(trial.tried, key=lambda one: one.case.marked.file):
        cases = [_case(one) for one in group]
        failures = sum(case.find("failure") is not None for case in cases)
        errors = sum(case.find("error") is not None for case in cases)
        yield _suite(file, cases, failures, errors)


def _case(one: Tried) -> Element:
    where = one.case.location
    case = Element(
        "testcase",
        classname=clean(one.playbook),
        name=clean(one.case.model.name),
        file=where.file,
        line=str(where.line),
    )
    if not one.holds:
        lines = [clean(line) for line in told(one)]
        what = "error" if one.problems else "failure"
        failure = SubElement(case, what, message=lines[0])
        failure.text = "\n".join(lines)
    return case


def _of_files(trial: Trial) -> Iterator[Element]:
    for problem in trial.problems:
        file = problem.location.file if problem.location else "?"
        case = Element("testcase", classname=file, name=problem.code, file=file)
        SubElement(case, "error", message=clean(problem))
        yield _suite(file, [case], failures=0, errors=1)


def _suite(name: str, cases: list[Element], failures: int, errors: int) -> Element:
    suite = Element("testsuite", name=name, tests=str(len(cases)))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suite.extend(cases)
    return suite
