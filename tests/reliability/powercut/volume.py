"""An image as a file system: a loop device over a file in memory, and a place to mount it. The
device goes by itself when its last user does, however this process ends."""
import ctypes
import errno
import fcntl
import os
import signal
import stat
import struct
import subprocess

LOOP_SET_FD, LOOP_SET_STATUS64, LOOP_CTL_GET_FREE = 0x4C00, 0x4C04, 0x4C82
LO_FLAGS_AUTOCLEAR = 4
LOOP_INFO = struct.Struct("<5Q4I64s64s32s2Q")
LOOP_MAJOR = 7
BLKFLSBUF = 0x1261
MS_NOATIME, MNT_DETACH = 1024, 2
PR_SET_PDEATHSIG = 1
FSCK_MENDED = 1 | 2
TRIES = 50

# Groups this small, so that even a small file system has a copy of its superblock, in the second.
BLOCK = 4096
GROUP_BLOCKS = SPARE_SUPERBLOCK = 1024

LIBC = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def end_with_parent():
    """For a child: not even killing the bench leaves it behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def mount(source, target, kind, flags=0, options=""):
    _check(LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags),
                      options.encode()), f"mount {target}")


def make_file_system(path, size):
    """An ext4 of `size` bytes, with nothing left for the kernel to do later."""
    subprocess.run(
        ["mke2fs", "-q", "-F", "-t", "ext4", "-b", str(BLOCK), "-g", str(GROUP_BLOCKS), "-m", "0",
         "-N", "64", "-J", "size=4", "-O", "^resize_inode",
         "-E", "lazy_itable_init=0,lazy_journal_init=0", path, str(size // BLOCK)], check=True)


def unmount(target, flags=0):
    _check(LIBC.umount2(target.encode(), flags), f"umount {target}")


def _attach(image):
    """A free loop device over an open file: its open descriptor and its path."""
    for _ in range(TRIES):
        with open("/dev/loop-control", "rb", buffering=0) as control:
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
        path = f"/dev/loop{number}"
        if not os.path.exists(path):
            os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(LOOP_MAJOR, number))
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, LOOP_SET_FD, image)
        except OSError as error:
            os.close(device)
            if error.errno != errno.EBUSY:
                raise
            continue  # another process was faster
        info = LOOP_INFO.pack(0, 0, 0, 0, 0, 0, 0, 0, LO_FLAGS_AUTOCLEAR, b"", b"", b"", 0, 0)
        fcntl.ioctl(device, LOOP_SET_STATUS64, info)
        return device, path
    raise OSError(errno.EBUSY, "no loop device is free")


class Volume:
    """`put` an image, then use `folder` within `with volume:`."""

    def __init__(self, directory, name, size):
        self.folder = os.path.join(directory, f"{name}.mounted")
        self.image_path = os.path.join(directory, f"{name}.image")
        os.mkdir(self.folder)
        self.repairs = 0
        self.image = os.open(self.image_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self.image, size)
        self.device, self.path = _attach(self.image)

    def put(self, content):
        """The whole image: what the use of the last one left is overwritten."""
        if os.pwrite(self.image, content, 0) != len(content):
            raise RuntimeError(f"{self.image_path}: no room")
        # What the device remembers is of the image before.
        fcntl.ioctl(self.device, BLKFLSBUF)

    def __enter__(self):
        try:
            mount(self.path, self.folder, "ext4", MS_NOATIME)
        except OSError:
            self._repair()
            mount(self.path, self.folder, "ext4", MS_NOATIME)
        return self.folder

    def _repair(self):
        """As at a real start: a superblock written by half makes no file system until fsck has
        taken its copy."""
        said = ""
        for copy in ([], ["-b", str(SPARE_SUPERBLOCK), "-B", str(BLOCK)]):
            done = subprocess.run(["e2fsck", "-fy", *copy, self.path], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
            said += done.stdout
            if not done.returncode & ~FSCK_MENDED:
                self.repairs += 1
                return
        raise OSError(errno.EUCLEAN, f"e2fsck: {said}")

    def __exit__(self, *_):
        try:
            unmount(self.folder)
        except OSError as error:
            # Not a point's fault: the next image would go under the feet of this one's user.
            raise RuntimeError(str(error)) from error

    def close(self):
        os.close(self.device)
        os.close(self.image)
