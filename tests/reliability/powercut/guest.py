"""A small guest that runs the gateway on a disk whose every write is recorded.

Debian's kernel from its package (which is not installed) and an initrd of busybox, the programs and
their libraries: no more than is needed to poll machines, store, and report."""
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import time

import volume

BUILD = os.environ.get("BINDERY_BUILD", "build/release")
HERE = os.path.dirname(os.path.abspath(__file__))
BUSYBOX = "/bin/busybox"

# Small, so that a point is checked quickly, and that the store takes a small reserve: its WAL is
# as long as two thirds of that before a checkpoint comes.
FS_BYTES = 10 << 20
MARK_OFFSET = FS_BYTES
DISK_BYTES = FS_BYTES + (1 << 20)

KERNEL = "linux-image-cloud-amd64"
WANTED_MODULES = ("crc32c_generic", "virtio_pci", "virtio_blk", "ext4")
OPTIONAL_MODULES = ("crc32c_generic",)

BROKER_PORT, FIRST_MACHINE_PORT = 1883, 5020
MACHINES, TAGS = 14, 31  # f64 each: with a broken uplink they fill the least max_size in seconds
UP_S, DOWN_S = 6, 16


class Missing(Exception):
    """What keeps the bench from running here at all."""


def plant(store_path, broker_port, durability="always", max_size="1MiB"):
    """The gateway's configuration, in the guest and wherever its store is opened again."""
    tags = [{"name": f"v{n}", "at": f"holding:{4 * n}", "type": "f64"} for n in range(TAGS)]
    return {
        "gateway": "gw", "site": "lab",
        "store": {"path": store_path, "max_size": max_size, "commit_every": "50ms",
                  "replay_window": "2s", "durability": durability},
        "uplinks": [{"name": "cloud", "url": f"mqtt://127.0.0.1:{broker_port}", "mqtt": "3.1.1",
                     "gather": "gateway", "publish_every": "100ms"}],
        "links": [{"name": f"l{n}", "driver": "modbus-tcp",
                   "address": f"127.0.0.1:{FIRST_MACHINE_PORT + n}"} for n in range(MACHINES)],
        "machines": [{"name": f"m{n}", "link": f"l{n}", "every": "50ms", "tags": tags}
                     for n in range(MACHINES)],
    }


def run(*arguments, **options):
    """A command's output; its failure tells all it said."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stdout.decode(errors='replace')}")
    return done.stdout


# --- the kernel ---

def kernel_package():
    """The package that Debian's name for the newest kernel stands for."""
    for refresh in (False, True):
        if refresh:
            subprocess.run(["apt-get", "-qq", "update"], check=False)
        listed = subprocess.run(["apt-cache", "depends", KERNEL], capture_output=True, text=True,
                                check=False).stdout
        found = re.search(r"Depends: (linux-image-\d\S+)", listed)
        if found:
            return found[1]
    raise Missing(f"apt knows no package {KERNEL}")


def fetch_kernel(directory):
    """Puts vmlinuz and the modules, in the order of loading, into the directory."""
    package, scratch = kernel_package(), directory + ".new"
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    print(f"powercut: fetching {package}", flush=True)
    run("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package, cwd=scratch)
    tree = os.path.join(scratch, "tree")
    archive = next(name for name in os.listdir(scratch) if name.endswith(".deb"))
    run("dpkg-deb", "-x", os.path.join(scratch, archive), tree)
    os.remove(os.path.join(scratch, archive))
    image = next(name for name in os.listdir(os.path.join(tree, "boot"))
                 if name.startswith("vmlinuz-"))
    shutil.copy(os.path.join(tree, "boot", image), os.path.join(scratch, "vmlinuz"))
    save_modules(tree, scratch)
    shutil.rmtree(tree)
    os.rename(scratch, directory)


def module_files(tree):
    """Every module of a kernel's package by name, and the names of those that are built in."""
    files, built_in = {}, set()
    for folder, _, names in os.walk(tree):
        for name in names:
            if re.search(r"\.ko(\.xz)?$", name):
                files[name.split(".ko")[0].replace("-", "_")] = os.path.join(folder, name)
            elif name == "modules.builtin":
                with open(os.path.join(folder, name), encoding="ascii") as file:
                    built_in = {os.path.basename(line).split(".ko")[0].replace("-", "_")
                                for line in file}
    return files, built_in


def save_modules(tree, directory):
    files, built_in = module_files(tree)
    loaded = []

    def load(name):
        if name in loaded or name in built_in:
            return
        if name not in files:
            if name in OPTIONAL_MODULES:
                return
            raise Missing(f"{KERNEL} has no module {name}")
        with open(files[name], "rb") as file:
            code = file.read()
        if files[name].endswith(".xz"):
            code = lzma.decompress(code)
        needs = re.search(rb"\0depends=([^\0]*)\0", code)[1].decode()
        for needed in filter(None, needs.split(",")):
            load(needed.replace("-", "_"))
        with open(os.path.join(directory, f"{len(loaded):02}-{name}.ko"), "wb") as file:
            file.write(code)
        loaded.append(name)

    for name in WANTED_MODULES:
        load(name)


def kernel():
    """The directory with the kernel, which is fetched once and stays in the build tree."""
    directory = os.path.join(os.path.abspath(BUILD), "powercut-kernel")
    if not os.path.exists(os.path.join(directory, "vmlinuz")):
        fetch_kernel(directory)
    return directory


# --- the initrd ---

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for module in /modules/*.ko; do insmod $module; done
ip link set lo up
mount -t ext4 -o noatime /dev/vda /data || reboot -f -n
bindery simulate -q -c /plant.yaml &
binderyd -c /plant.yaml &
daemon=$!
witness /dev/vda {mark_offset} /control {port} {seconds} {up} {down} && kill -0 $daemon &&
    echo powercut: the guest ran to its end
reboot -f -n
"""


def libraries(program):
    listed = run("ldd", program).decode()
    return re.findall(r"(?:=> )?(/\S+) \(0x", listed)


def initrd_files(directory, seconds, durability):
    """{path: (mode, content)} of all that is in there."""
    config = {**plant("/data/bindery.db", BROKER_PORT, durability), "control": "/control"}
    init = INIT.format(mark_offset=MARK_OFFSET, port=BROKER_PORT, seconds=seconds, up=UP_S,
                       down=DOWN_S)
    files = {"/init": (0o755, init.encode()), "/plant.yaml": (0o644, json.dumps(config).encode())}

    def add(target, source, mode=0o755):
        with open(source, "rb") as file:
            files[target] = (mode, file.read())

    witness = os.path.join(directory, "witness")
    run("cc", "-O2", "-Wall", "-D_GNU_SOURCE", "-o", witness, os.path.join(HERE, "witness.c"))
    programs = [witness, os.path.join(BUILD, "daemon/binderyd"),
                os.path.join(BUILD, "daemon/cli/bindery")]
    for program in programs:
        add("/bin/" + os.path.basename(program), program)
        for library in libraries(program):
            add(library, library)
    add(BUSYBOX, BUSYBOX)
    for name in sorted(os.listdir(kernel())):
        if name.endswith(".ko"):
            add("/modules/" + name, os.path.join(kernel(), name), 0o644)
    return files


def folders_of(paths):
    """All folders that lead to the paths, and those the guest mounts on, the upper ones first."""
    found = {"/proc", "/sys", "/dev", "/data", "/bin"}
    for path in paths:
        while (path := os.path.dirname(path)) != "/":
            found.add(path)
    return sorted(found)


def cpio_member(number, path, mode, content):
    """One file of an archive in the "newc" form, which is what the kernel unpacks."""
    name = path.lstrip("/").encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return b"".join(part + bytes(-len(part) % 4) for part in (head, content))


def write_initrd(directory, seconds, durability):
    files = initrd_files(directory, seconds, durability)
    members = [(path, 0o040755, b"") for path in folders_of(files)]
    members += [(path, 0o100000 | mode, content) for path, (mode, content) in files.items()]
    path = os.path.join(directory, "initrd")
    with open(path, "wb") as file:
        for number, member in enumerate(members, 1):
            file.write(cpio_member(number, *member))
        file.write(cpio_member(0, "TRAILER!!!", 0, b""))
    return path


# --- the run ---

def make_disk(directory):
    """The disk with an empty file system; its content as it is before the guest starts."""
    path = os.path.join(directory, "disk")
    with open(path, "wb") as file:
        file.truncate(DISK_BYTES)
    volume.make_file_system(path, FS_BYTES)
    with open(path, "rb") as file:
        initial = file.read(FS_BYTES)
    return path, initial


def node(path):
    return {"driver": "file", "filename": path}


def qemu_command(directory, disk, log, initrd):
    device = {"driver": "blklogwrites", "node-name": "disk", "log-super-update-interval": 1,
              "file": node(disk), "log": node(log)}
    # The console is for us, and what the kernel says in between is not wanted.
    command = "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on mitigations=off"
    return ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-cpu", "max", "-smp", "2",
            "-m", "384", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-serial", f"file:{os.path.join(directory, 'console')}",
            "-kernel", os.path.join(kernel(), "vmlinuz"), "-initrd", initrd, "-append", command,
            "-blockdev", json.dumps(device), "-device", "virtio-blk-pci,drive=disk"]


def run_guest(directory, seconds, durability):
    """Boots it and lets it run. Returns the disk's first content, the path of the log of its
    writes, and what the guest printed."""
    initrd = write_initrd(directory, seconds, durability)
    disk, initial = make_disk(directory)
    log = os.path.join(directory, "writes.log")
    with open(log, "wb"):
        pass
    started, patience = time.monotonic(), 120 + 2 * seconds
    with subprocess.Popen(qemu_command(directory, disk, log, initrd), stdin=subprocess.DEVNULL,
                          stdout=sys.stderr, preexec_fn=volume.end_with_parent) as child:
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            print(f"powercut: the guest did not end within {patience} s", flush=True)
        finally:
            child.kill()
    with open(os.path.join(directory, "console"), encoding="utf-8", errors="replace") as file:
        console = file.read()
    if "powercut: the guest ran to its end" not in console:
        raise RuntimeError(f"the guest failed:\n{console[-4000:]}")
    print(f"powercut: the guest took {time.monotonic() - started:.0f} s", flush=True)
    return initial, log, console
