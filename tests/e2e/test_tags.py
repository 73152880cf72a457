"""bindery tags: tag lists from a spreadsheet and back, as files and exit statuses."""
import codecs
import csv
import os
import subprocess
import unittest

from harness import Case

SOURCE = os.environ.get("BINDERY_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))

PLANT = """\
gateway: g
links: [{name: l, driver: modbus-tcp, address: localhost}]
include: machines.d/*.yaml
machines:
  - {name: m, link: l, tags: [{name: a, at: "holding:7"}]}
"""

LIST = """\
变量名,寄存器地址,数据类型,倍率,单位,采集周期(ms),说明,备用
good_count,D100,UDINT,,本,1000,良品数,
speed,D102,UINT,0.1,本/时,500,"车速, ""快""
慢",
door,X17,BOOL,,,,,
"""

MACHINES = """\
name;link;unit;profile;count;备注
binder-1;l;1;press;;first
binder-2;l;2;press;200;
"""


def has_gb18030():
    """Whether the C library has the converter: in a package of its own from Debian 13 on."""
    return subprocess.run(["iconv", "-f", "GB18030", "-t", "UTF-8"], stdin=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


class Tags(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.directory
        self.config_path = self.file("plant.yaml", PLANT)

    def file(self, name, content=None):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def tags(self, *arguments, status=0):
        done = subprocess.run(
            [os.environ["BINDERY"], "tags", *arguments], capture_output=True, timeout=60,
            env={**os.environ, "BINDERY_PROFILES_DIR": os.path.join(SOURCE, "config/profiles")})
        output = (done.stdout + done.stderr).decode()
        self.assertEqual(done.returncode, status, output)
        return output

    def test_a_makers_list_becomes_a_profile_that_machines_have(self):
        profile = self.file("profiles/press.yaml")
        said = self.tags("import", "--plc", "delta-dvp", self.file("press.csv", LIST), "-o", profile)
        self.assertIn('"备用" is not known', said)
        self.assertIn("not confirmed: CDAB as the order of delta-dvp", said)
        text = self.read(profile)
        self.assertIn("at: holding:4196\n    type: u32\n    order: CDAB\n    unit: 本\n", text)
        self.assertIn('title: {zh: "车速, \\"快\\" 慢"}', text)
        self.assertIn("at: discrete:1039\n", text)
        self.file("plant.yaml", PLANT + "  - {name: p, link: l, unit: 2, profile: press}\n")
        self.bindery("check", "-c", self.config_path)
        self.assertIn("good_count", self.bindery("plan", "-c", self.config_path))

    def test_the_examples_import(self):
        examples = os.path.join(SOURCE, "config/examples")
        said = self.tags("import", "--plc", "delta-dvp", os.path.join(examples, "tags.csv"))
        self.assertEqual(said.count("- name: "), 7, said)
        said = self.tags("import", "-c", os.path.join(examples, "plant.yaml"),
                         "--machines", os.path.join(examples, "machines.csv"))
        self.assertEqual(said.count("profile: inovance-h5u"), 2, said)

    def test_every_encoding_gives_the_same_profile(self):
        texts = set()
        for name, encoded in (("utf-8", LIST.encode()), ("bom", codecs.BOM_UTF8 + LIST.encode()),
                              ("gbk", LIST.encode("gbk")), ("gb18030", LIST.encode("gb18030")),
                              ("utf-16", LIST.encode("utf-16")),
                              ("crlf", LIST.replace("\n", "\r\n").encode())):
            path = self.file("list.csv", encoded)
            output = self.file(f"{name}/list.yaml")
            if name.startswith("gb") and not has_gb18030():
                continue
            self.tags("import", "--plc", "delta-dvp", path, "-o", output)
            texts.add(self.read(output))
        self.assertEqual(len(texts), 1)

    def test_faults_stand_at_their_cells_and_nothing_is_written(self):
        path = self.file("bad.csv", "name,address,type\na,D1,FLOT\nb,D99999,INT\na b,D3,INT\n")
        output = self.file("profiles/bad.yaml")
        said = self.tags("import", "--plc", "delta-dvp", path, "-o", output, status=1)
        self.assertIn(f'{path}:2:type: "FLOT" is no type; expected ', said)
        self.assertIn(f'{path}:3:address: "D99999" is no address here; expected D0 to D4095', said)
        self.assertIn(f'{path}:4:name: "a b" is no name; expected ', said)
        self.assertFalse(os.path.exists(output))
        said = self.tags("import", self.file("none.csv", "type\nINT\n"), status=1)
        self.assertEqual(said.count("no column for"), 2, said)

    def test_an_existing_file_is_kept_unless_forced(self):
        path = self.file("press.csv", "name,address\na,40001\n")
        output = self.file("press.yaml", "mine\n")
        self.assertIn("--force", self.tags("import", path, "-o", output, status=1))
        self.assertEqual(self.read(output), "mine\n")
        self.tags("import", path, "-o", output, "--force")
        self.assertIn("at: holding:0\n", self.read(output))
        self.assertEqual([name for name in os.listdir(self.folder) if name.endswith(".new")], [])

    def test_machines_are_tried_in_their_configuration(self):
        self.file("profiles/press.yaml",
                  "profile: press\nparameters: {count: 100}\n"
                  "tags: [{name: good_count, at: 'holding:${count}'}]\n")
        path = self.file("machines.csv", MACHINES)
        output = self.file("machines.d/hall.yaml")
        arguments = ("import", "-c", self.config_path, "--machines", path, "-o", output)
        self.assertIn('"备注" is not known', self.tags(*arguments))
        self.assertIn("    parameters:\n      count: 200\n", self.read(output))
        self.assertIn("3 machines", self.bindery("check", "-c", self.config_path))
        self.tags(*arguments, "--force")  # in its own place the old one does not count
        self.file("machines.csv", MACHINES.replace("binder-2;l;2", "m;nolink;999")
                  .replace(";200;", ";70000;"))
        said = self.tags(*arguments, "--force", status=1)
        self.assertIn(f'{path}:3:name: "m" is taken already, at {self.config_path}:', said)
        self.assertIn(f'{path}:3:link: "nolink" is no link', said)
        self.assertIn(f'{path}:3:unit: "999" is out of range', said)
        self.assertIn(f'"holding:70000" is no address', said)
        self.assertIn(f'(for machine "m", {path}:3)', said)
        self.assertIn("binder-2", self.read(output))
        self.tags("import", "-c", self.config_path, "--machines", path, "-fo", self.config_path,
                  status=2)

    def test_export_is_what_excel_reads(self):
        output = self.file("binder.csv")
        self.tags("export", "--profile", "perfect-binder", "-o", output)
        with open(output, "rb") as file:
            content = file.read()
        self.assertTrue(content.startswith(codecs.BOM_UTF8))
        rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
        self.assertEqual(rows[0]["name"], "good_count")
        self.assertEqual(rows[0]["title (zh)"], "良品数")
        self.tags("import", output, "-p", "again", "-o", self.file("profiles/again.yaml"))
        plain = self.tags("export", "--no-bom", "-c", self.config_path)
        self.assertTrue(plain.startswith("name,address,"), plain)
        self.assertIn("a,holding:7,u16,", plain)

    def test_wrong_command_lines_are_told(self):
        for arguments in ((), ("import",), ("export", "m", "--profile", "x"), ("explode", "x"),
                          ("import", "x.csv", "--machines", "y.csv"),
                          ("import", "x.csv", "--plc", "abacus"),
                          ("import", "x.csv", "--plc", "delta-dvp", "--place", "D0=coil:1"),
                          ("import", "x.csv", "-o", "a.yaml", "-p", "b")):
            self.tags(*arguments, status=2)
        self.assertIn("no machine", self.tags("export", "-c", self.config_path, "zz", status=1))
        self.assertIn("can't be read", self.tags("import", self.file("none.csv"), status=1))
        self.assertIn("is no profile", self.tags("export", "-c", self.config_path, "--profile",
                                                 "nosuch", status=1))


if __name__ == "__main__":
    unittest.main()
