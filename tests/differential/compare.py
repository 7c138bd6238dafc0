#!/usr/bin/env python3
"""Builds every case with docker and with cbuild and compares what comes of it. compare.sh starts the docker for it."""
import concurrent.futures
import difflib
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "lib"))

import cases as case_files  # noqa: E402
from image_text import ImageArchive  # noqa: E402

BASE = "busybox:latest"
WORK = pathlib.Path(os.environ["CB_WORK"])
TOOLS = {"docker": os.environ.get("DOCKER", "/usr/bin/docker"), "cbuild": os.environ["CBUILD"]}


# History texts that newer dockers write in another way: (which, what stands for it in both). cbuild writes those of Docker
# 20.10, in which no value given for an ARG, possibly a secret, and no expanded flag is kept.
NEWER_HISTORY = [
    (r'^history - "ARG .*', "history - ARG"),
    (r'^(history \S+ "(?:COPY|ADD)) (?:--\S+ )+', r"\1 "),
    (r"""^(history - "HEALTHCHECK .*(?: \\"[\w.]+\\"){3}) \\"0s\\" ('.*)""", r"\1 \2"),
    (r'^history - "EXPOSE .*', "history - EXPOSE"),
]


def without_history_style(lines):
    for pattern, replacement in NEWER_HISTORY:
        lines = [re.sub(pattern, replacement, line) for line in lines]
    return lines


def run(argv, **options):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)


def build(tool, directory, tag, args, file="Dockerfile"):
    argv = [TOOLS[tool], "build", "--progress=plain", "--network=host", "-t", tag, "-f", str(directory / file), *args, "."]
    # Case by case both builders see the same paths and the same environment.
    done = run(argv, cwd=directory)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def place_of(text):
    """The line of the Dockerfile an error names, or 0."""
    match = re.search(r"^\S*Dockerfile:(\d+)\b", text, re.M) or re.search(r"parse error (?:on )?line (\d+)", text)
    return int(match[1]) if match else 0


class Outcome:
    def __init__(self, status, log):
        self.status, self.log, self.lines = status, log, []

    @property
    def failed(self):
        return self.status != 0


def prepare(case):
    directory = WORK / "contexts" / case.name
    directory.mkdir(parents=True)
    if "Dockerfile" in case.parts:
        (directory / "Dockerfile").write_text(case.parts["Dockerfile"], encoding="utf-8")
    if case.all("context"):
        script = "set -eu; umask 022\n" + "\n".join(case.all("context"))
        done = run(["bash", "-c", script], cwd=directory)
        if done.returncode:
            raise RuntimeError(f"{case.place}: context: {done.stdout.decode()}")
    if "base" in case.parts:
        (WORK / "bases" / case.name).mkdir(parents=True)
        (WORK / "bases" / case.name / "Dockerfile").write_text(case.parts["base"], encoding="utf-8")
    return directory


def attempt(case, tools):
    """Outcomes by tool. The base image, if any, has to build."""
    directory = prepare(case)
    outcomes = {}
    for tool in tools:
        if "base" in case.parts:
            status, log = build(tool, WORK / "bases" / case.name, f"base-{case.name}", [])
            if status:
                outcomes[tool] = Outcome(status, f"base-{case.name}:\n{log}")
                continue
        outcomes[tool] = Outcome(*build(tool, directory, f"case-{case.name}", case.args))
    return outcomes


def describe(tool, cases, outcomes):
    """All images of a tool come in one archive, in which they share their layers."""
    names = [case.name for case in cases if tool in outcomes[case.name] and not outcomes[case.name][tool].failed]
    path = WORK / f"{tool}.tar"
    subprocess.run([TOOLS[tool], "save", "-o", str(path), BASE, *(f"case-{name}" for name in names)], check=True)
    with ImageArchive(path, BASE) as archive:
        for name in names:
            outcomes[name][tool].lines = archive.describe(f"case-{name}:latest")
    path.unlink()


def tail(tool, outcome):
    return [f"{tool} ended with {outcome.status}:"] + outcome.log.rstrip().splitlines()[-15:]


def check_failure(tool, outcome, line, words):
    bad = []
    if words and words.lower() not in outcome.log.lower():
        bad.append(f"{tool} does not say: {words}")
    said = place_of(outcome.log)
    # Old dockers name no line for most mistakes.
    if line and said != line and (tool == "cbuild" or said):
        bad.append(f"{tool} names line {said}, not {line}")
    return bad + tail(tool, outcome) if bad else []


def check_image(case, theirs, ours, version):
    if version >= 23:
        theirs, ours = without_history_style(theirs), without_history_style(ours)
    found = [
        line
        for line in difflib.unified_diff(theirs, ours, "docker", "cbuild", lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    meant = case.all("differs")
    if sorted(found) == sorted(meant):
        return []
    return ["docker's image (-) and cbuild's (+):", *found] + (["meant were:", *meant] if meant else [])


def check(case, outcomes, version):
    ours, theirs = outcomes["cbuild"], outcomes.get("docker")
    docker_fails = theirs.failed if theirs else case.docker_fails
    if ours.failed != (case.fails is not None):
        return tail("cbuild", ours) + (tail("docker", theirs) if theirs else [])
    if docker_fails != case.docker_fails:
        return tail("docker", theirs)
    bad = []
    if case.fails:
        line, words = case.fails
        bad += check_failure("cbuild", ours, line, words)
    if theirs and theirs.failed:
        line, words = case.fails or (0, "")
        line = int(case.one("docker-line") or line)
        bad += check_failure("docker", theirs, line, case.one("docker-says") or words)
    if not ours.failed and not docker_fails:
        expected = theirs.lines if theirs else case.parts.get("result", "").splitlines()
        bad += check_image(case, expected, ours.lines, max(version, case.judge))
    return bad


def docker_version():
    text = subprocess.run([TOOLS["docker"], "version", "-f", "{{.Server.Version}}"], capture_output=True, text=True, check=True).stdout
    return int(text.split(".")[0])


def choose(arguments):
    files = sorted((HERE / "cases").glob("*.txt"))
    every = [case for path in files for case in case_files.parse(path)]
    names = [case.name for case in every]
    doubles = {name for name in names if names.count(name) > 1}
    if doubles:
        sys.exit(f"two cases of one name: {', '.join(sorted(doubles))}")
    wanted = [case for case in every if {case.name, re.sub(r"-\d+$", "", case.name), case.path.stem} & set(arguments)]
    chosen = wanted if arguments else every
    return chosen or sys.exit("no such case")


def main():
    recording = "--record" in sys.argv
    chosen = choose([arg for arg in sys.argv[1:] if not arg.startswith("-")])
    version = docker_version()
    shutil.rmtree(WORK / "contexts", ignore_errors=True)
    shutil.rmtree(WORK / "bases", ignore_errors=True)

    def tools(case):
        return ["docker", "cbuild"] if version >= case.judge else ["cbuild"]

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = dict(zip((case.name for case in chosen), pool.map(lambda case: attempt(case, tools(case)), chosen)))
    for tool in TOOLS:
        describe(tool, chosen, outcomes)
    if recording:
        for path in sorted({case.path for case in chosen}):
            results = {
                case.name: outcomes[case.name]["docker"].lines
                for case in chosen
                if case.path == path and case.judge and not case.docker_fails and "docker" in outcomes[case.name]
            }
            case_files.record(path, results)

    print(f"1..{len(chosen)}")
    failed = 0
    for number, case in enumerate(chosen, 1):
        bad = check(case, outcomes[case.name], version)
        print(f"{'not ok' if bad else 'ok'} {number} - {case.path.stem}: {case.name}")
        for line in bad[:60]:
            print(f"# {line}")
        failed += bool(bad)
    built = sum(not case.fails for case in chosen)
    meant = sum(bool(case.one("why")) for case in chosen)
    print(f"# {built} build, {len(chosen) - built} fail, {meant} differ on purpose; docker {version}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
