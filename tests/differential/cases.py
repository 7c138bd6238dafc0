"""The cases: many to a file, each a few lines of head and a Dockerfile.

What stands before the first case says what the file is about.

    == name                   of the case; images are tagged case-<name>
    # what it is about
    args: --build-arg A=1     more options for both builders, as shell words
    context: echo x >file     shell commands that fill the context, each in that directory
    fails: 2: words           both builders fail; at that line; both messages hold the words
    docker-says: words        docker's words where they are others
    docker-line: 2            docker's line where it is another one
    docker: builds|fails      docker ends otherwise than cbuild: a difference that is meant
    differs: -line            a line only docker's image has (or +line: only cbuild's), meant too
    why: ...                  required by the two above
    each: TEXT                one more case like this, with TEXT for @each@ in the Dockerfile; `each: TEXT => words` says
                              what both messages hold
    judge: 23                 the first docker that can judge it; older ones are replaced by the result written down
    -- base                   a Dockerfile that is built first, as image base-<name>
    -- Dockerfile
    FROM ...
    -- result                 what that docker made of it (`compare.sh --record` writes it)
"""
import re
import shlex

KEYS = {"args", "context", "fails", "docker-says", "docker-line", "docker", "differs", "why", "judge", "each"}


class Case:
    def __init__(self, path, name, place):
        self.path, self.name, self.place = path, name, place
        self.keys = {}
        self.parts = {}

    def all(self, key):
        return self.keys.get(key, [])

    def one(self, key):
        values = self.all(key)
        return values[-1] if values else ""

    @property
    def args(self):
        return shlex.split(" ".join(self.all("args")))

    @property
    def judge(self):
        return int(self.one("judge") or 0)

    @property
    def fails(self):
        """(line, words) or None. A line of 0 is not compared."""
        text = self.one("fails")
        if not text:
            return None
        line, _, words = text.partition(":")
        return int(line), words.strip()

    @property
    def docker_fails(self):
        return self.one("docker") == "fails" if self.one("docker") else self.fails is not None

    def check(self):
        meant = self.one("docker") or self.all("differs")
        if "Dockerfile" not in self.parts and "Dockerfile" not in self.one("context"):
            raise ValueError(f"{self.place}: case {self.name} has no Dockerfile")
        if bool(meant) != bool(self.one("why")):
            raise ValueError(f"{self.place}: a meant difference has a `why:`, and nothing else has")


def spread(case):
    """A case for each TEXT, or the case itself."""
    for number, text in enumerate(case.all("each"), 1):
        text, _, words = text.partition(" => ")
        one = Case(case.path, f"{case.name}-{number}", case.place)
        one.keys = {key: list(values) for key, values in case.keys.items() if key != "each"}
        one.parts = {part: body.replace("@each@", text) for part, body in case.parts.items()}
        if words:
            one.keys["fails"] = [f"{case.fails[0]}: {words}"]
        yield one
    if not case.all("each"):
        yield case


def parse(path):
    cases, part = [], None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(keepends=True), 1):
        place = f"{path.name}:{number}"
        if line.startswith("== "):
            cases.append(Case(path, line[3:].strip(), place))
            part = None
        elif line.startswith("-- ") and cases:
            part = line[3:].strip()
            cases[-1].parts[part] = ""
        elif part:
            cases[-1].parts[part] += line
        elif cases and line.strip() and not line.startswith("#"):
            match = re.match(r"([a-z-]+): ?(.*)", line)
            if not match or match[1] not in KEYS:
                raise ValueError(f"{place}: not understood: {line.rstrip()}")
            cases[-1].keys.setdefault(match[1], []).append(match[2])
    for case in cases:
        # The blank line before the next case is not part of this one.
        for part, text in case.parts.items():
            case.parts[part] = text[:-1] if text == "\n" or text.endswith("\n\n") else text
        case.check()
    return [one for case in cases for one in spread(case)]


def record(path, results):
    """Writes the `-- result` part of the cases that RESULTS names."""
    out, name, dropping = [], None, False

    def finish():
        if name in results:
            out.append("-- result\n" + "".join(f"{line}\n" for line in results[name]) + "\n")

    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.startswith("== "):
            finish()
            name, dropping = line[3:].strip(), False
        if name in results and line.startswith("-- result"):
            dropping = True
        if not dropping:
            out.append(line)
    finish()
    path.write_text(re.sub(r"\n{3,}(?==|\Z)", "\n\n", "".join(out)).rstrip("\n") + "\n", encoding="utf-8")
