"""Plants known bugs, one after the other, in a copy of the source, and shows that each is caught.

Every file of planted/ is a patch whose first line says what it breaks and who has to notice:
`# …; caught by: test_part.test_name` (more than one name, with commas between them), or a command
of this directory in place of a test. A bug that stays unnoticed is a failure: of the bench."""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PATCHES = os.path.join(HERE, "planted")
HEAD = re.compile(r"# (?P<what>.+); caught by: (?P<who>.+)")


class Bug:
    def __init__(self, file):
        self.name, self.path = file[:-6], os.path.join(PATCHES, file)
        with open(self.path, encoding="utf-8") as patch:
            head = HEAD.match(patch.readline())
        if not head:
            raise SystemExit(f"{self.path}:1: expected '# what is broken; caught by: who'")
        self.what = head["what"]
        self.who = [who.strip() for who in head["who"].split(",")]


class Copy:
    """The source elsewhere, with a build of its own."""

    def __init__(self, directory):
        self.source, self.build = os.path.join(directory, "source"), os.path.join(directory, "build")
        os.mkdir(self.source)
        names = ["CMakeLists.txt", "config", "daemon", "drivers", "systemd", "tests"]
        run(["cp", "-r", *(os.path.join(ROOT, name) for name in names), self.source])
        run(["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja",
             "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_TESTING=OFF"])
        self.make()

    def make(self):
        run(["cmake", "--build", self.build, "-j", "2"])

    def patch(self, bug, *options):
        run(["patch", "-p1", "--quiet", "--no-backup-if-mismatch", "-i", bug.path, *options],
            cwd=self.source)

    def environment(self):
        return {**os.environ, "BINDERYD": os.path.join(self.build, "daemon/binderyd"),
                "BINDERY": os.path.join(self.build, "daemon/cli/bindery")}


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}")


def notices(who, copy, seeds):
    """Whether this test or command fails, as it should."""
    if who.startswith("test_"):
        command = ["/usr/bin/python3", os.path.join(HERE, "run.py"), who, "--seeds", str(seeds)]
    else:
        program, *arguments = who.split()
        command = [os.path.join(HERE, program), *arguments]
    done = subprocess.run(command, env=copy.environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} did not run:\n{done.stdout}")
    return done.returncode == 1


def hunt(bug, copy, seeds):
    copy.patch(bug)
    try:
        copy.make()
        return next((who for who in bug.who if notices(who, copy, seeds)), None)
    finally:
        copy.patch(bug, "--reverse")


def arguments():
    parser = argparse.ArgumentParser(prog="tests/reliability/planted.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="only these bugs")
    parser.add_argument("--some", type=int, metavar="N", help="N of them, by chance")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30), help="of the chance")
    parser.add_argument("--seeds", type=int, default=10, help="a test's seeds (default: 10)")
    parser.add_argument("--list", action="store_true", help="says what there is, and ends")
    return parser.parse_args()


def all_bugs():
    return [Bug(file) for file in sorted(os.listdir(PATCHES)) if file.endswith(".patch")]


def chosen(options):
    bugs = all_bugs()
    if options.name:
        bugs = [bug for bug in bugs if bug.name in options.name]
    if options.some:
        print(f"seed {options.seed}", flush=True)
        bugs = random.Random(options.seed).sample(bugs, options.some)
    return bugs


def main():
    options, missed = arguments(), 0
    bugs = chosen(options)
    if options.list or not bugs:
        for bug in bugs:
            print(f"{bug.name:40} {bug.what}")
        return 0 if bugs else 2
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        copy = Copy(directory)
        for bug in all_bugs():  # each still fits, whichever are planted
            copy.patch(bug, "--dry-run")
        for bug in bugs:
            started = time.monotonic()
            who = hunt(bug, copy, options.seeds)
            missed += who is None
            print(f"{bug.name:40} {'caught by ' + who if who else 'NOT CAUGHT':60} "
                  f"{time.monotonic() - started:5.1f} s", flush=True)
    print(f"{len(bugs)} bugs planted, {len(bugs) - missed} caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
