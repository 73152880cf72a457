"""What the documents say is so: links lead somewhere, commands and options exist, the examples are
read by the programs, the practice machine says what "Your first machine" promises, and both
languages show the same."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

from harness import BINDERY, Case, free_port, port_open, wait_for

SOURCE = os.path.abspath(os.environ.get("BINDERY_SOURCE", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..")))
TWINS = ("README", "config/first-machine", "config/profiles/README")
HEADING = re.compile(r"^#+ +(.+)$", re.M)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?<![\w/.-])bindery ([a-z]+)\b([^`|#\n]*)")


def documents():
    for folder, folders, names in os.walk(SOURCE):
        folders[:] = [f for f in folders if f not in (".git", "build")]
        yield from (os.path.relpath(os.path.join(folder, n), SOURCE)
                    for n in names if n.endswith(".md"))


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        return file.read()


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def yaml_blocks(text):
    return re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)


def without_comments(yaml):
    return [line for line in (re.sub(r"(^| +)#.*", "", row) for row in yaml.splitlines()) if line]


def code(text):
    """What stands in blocks, indented or fenced, and between backticks, a line each."""
    fenced = re.findall(r"^```.*?\n(.*?)^```$", text, re.M | re.S)
    rest = without_blocks(text)
    indented = re.findall(r"^ {4,}.*$", rest, re.M)
    return [*"\n".join(fenced).splitlines(), *indented, *re.findall(r"`([^`]+)`", rest)]


def commands(text):
    """(subcommand, what follows it) wherever bindery is called."""
    return [found for line in code(text) for found in COMMAND.findall(line)]


def prompts(text):
    return [line.split("#")[0].strip() for line in code(text) if line.lstrip().startswith("$ ")]


def anchors(path):
    """What a page's headings are called in links, as GitHub has it."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in HEADING.findall(without_blocks(read(path)))}


class Documents(unittest.TestCase):
    def test_every_link_leads_somewhere(self):
        for document in documents():
            for link in LINK.findall(without_blocks(read(document))):
                path, _, anchor = urllib.parse.unquote(link).partition("#")
                if "://" in link:
                    continue
                target = os.path.normpath(os.path.join(os.path.dirname(document), path)) \
                    if path else document
                self.assertTrue(os.path.exists(os.path.join(SOURCE, target)),
                                f"{document}: {link}")
                if anchor:
                    self.assertIn(anchor, anchors(target), f"{document}: {link}")

    def test_every_command_and_option_exists(self):
        helps, called = {}, set()
        for document in documents():
            for subcommand, rest in commands(read(document)):
                if subcommand not in helps:
                    done = subprocess.run([BINDERY, subcommand, "--help"], check=False,
                                          capture_output=True, text=True, timeout=20)
                    self.assertEqual(done.returncode, 0, f"{document}: bindery {subcommand}")
                    helps[subcommand] = done.stdout
                called.add(subcommand)
                for option in re.findall(r"(?<!\S)(--[a-z-]+|-[a-z])(?![\w-])", rest):
                    self.assertRegex(helps[subcommand], rf"(?m)(^|\s){option}\b",
                                     f"{document}: bindery {subcommand} {option}")
        self.assertGreaterEqual(called, {"scan", "guess", "read", "check", "plan", "status",
                                         "watch", "verify", "record", "support"})

    def test_both_languages_show_the_same(self):
        for name in TWINS:
            english, chinese = read(f"{name}.md"), read(f"{name}.zh-CN.md")
            self.assertEqual(prompts(english), prompts(chinese), name)
            self.assertEqual([without_comments(b) for b in yaml_blocks(english)],
                             [without_comments(b) for b in yaml_blocks(chinese)], name)
            self.assertEqual(without_blocks(english).count("\n## "),
                             without_blocks(chinese).count("\n## "), name)


class Examples(Case):
    def setUp(self):
        super().setUp()
        shutil.copytree(os.path.join(SOURCE, "config/profiles"),
                        os.path.join(self.directory, "profiles"))

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_configurations_in_documents_are_right(self):
        count = 0
        for document in (f"{name}{end}" for name in TWINS for end in (".md", ".zh-CN.md")):
            blocks = yaml_blocks(read(document))
            for block in blocks:
                profile = re.search(r"^profile: (\S+)", block, re.M)
                if profile:
                    self.write(f"profiles/{profile[1]}.yaml", block)
            for block in blocks:
                if block.startswith("gateway:"):
                    self.bindery("check", "-c", self.write("hall.yaml", block))
                    count += 1
        self.assertGreaterEqual(count, 8)

    def test_plans_are_printed_as_they_are(self):
        for document in ("README.md", "README.zh-CN.md", "config/first-machine.md",
                         "config/first-machine.zh-CN.md"):
            text = read(document)
            path = self.write("hall.yaml", yaml_blocks(text)[0])
            for line in self.bindery("plan", "-c", path).splitlines():
                self.assertIn(line, text, document)

    def test_the_example_of_a_profile_is_read_as_the_makers_table_says(self):
        guide = read("config/profiles/README.md")
        profile, variant, hall = yaml_blocks(guide)
        self.write("profiles/stitcher-s8.yaml", profile)
        self.write("profiles/stitcher-s8-inserter.yaml", variant)
        plan = self.bindery("plan", "-c", self.write("hall.yaml", hall))
        for line in plan.splitlines()[:8]:
            self.assertIn(line, guide)

    def test_the_practice_machines_say_what_the_guide_promises(self):
        """At an address and a port of the test's own, so that several may run at once."""
        with tempfile.TemporaryDirectory(prefix="bindery-practice-") as folder:
            guide = read("config/first-machine.md")
            practice = read("config/examples/practice.yaml")
            device = os.path.join(folder, "line")
            port = free_port()
            path = self.write("practice.yaml", practice.replace("5020", str(port))
                              .replace("/tmp/bindery-practice", device))
            here, keep = f"127.0.0.1:{port}", os.path.join(folder, "count")
            for begin, way in (("2h", "--value"), ("4h", "--then")):
                number = re.search(rf"guess .* {way} (\d+)", guide)[1]
                self.assertIn(f"--begin {begin}", guide)
                machines = self.run_process([BINDERY, "simulate", "-c", path, "--begin", begin],
                                            "bindery simulate")
                wait_for(lambda: port_open(port) and os.path.exists(device), 30, "the machines")
                said = self.bindery("guess", here, way, number, "--to", "999", "--keep", keep)
                self.assertIn(f"reads {number}", said.splitlines()[0])
                for line in said.splitlines():
                    self.assertIn(line, guide)
                found = self.bindery("scan", device, "--units", "1-4")
                self.assertRegex(found, r"(?m)^ +3  exception 2")
                machines.stop()


if __name__ == "__main__":
    unittest.main()
