"""What happens to files: bits flip, blocks are lost, other files come to their place. Every
function takes its chance from the test's and says what it did."""
import contextlib
import os
import re
import shutil
import socket
import sqlite3

PARTS = ("", "-wal", "-shm")
BLOCKS = (512, 1024, 2048, 4096, 16384)


def parts(path, suffixes=PARTS):
    """Those of a database's files that are there."""
    return [path + suffix for suffix in suffixes if os.path.isfile(path + suffix)]


def pick(path, chance):
    """The database or its WAL, as often as they are large: where the damage falls."""
    files = [part for part in parts(path, ("", "-wal")) if os.path.getsize(part) > 0]
    return chance.choices(files, [os.path.getsize(part) for part in files])[0]


def patch(path, at, data):
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(data)


def byte_at(path, at):
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(1)[0]


# --- damage ---

def flip_bits(path, chance):
    """A handful of single bits, anywhere."""
    said = []
    for _ in range(chance.choice([1, 1, 2, 3, 5, 8, 13, 40])):
        target = pick(path, chance)
        at, bit = chance.randrange(os.path.getsize(target)), chance.randrange(8)
        patch(target, at, bytes([byte_at(target, at) ^ 1 << bit]))
        said.append(f"{os.path.basename(target)} bit {at}.{bit}")
    return ", ".join(said)


def cut_short(path, chance):
    """To any length at all, or at a page."""
    target = pick(path, chance)
    length = chance.randrange(os.path.getsize(target))
    if chance.random() < 0.5:
        length -= length % 512
    os.truncate(target, length)
    return f"{os.path.basename(target)} cut to {length}"


def lose_blocks(path, chance):
    """Blocks of the disk that come back as zeros, ones or rubbish."""
    said = []
    for _ in range(chance.choice([1, 1, 2, 3, 6])):
        target, block = pick(path, chance), chance.choice(BLOCKS)
        at = chance.randrange(os.path.getsize(target)) // block * block
        length = min(block, os.path.getsize(target) - at)
        fill = chance.choice(["zeros", "ones", "rubbish"])
        data = {"zeros": bytes(length), "ones": b"\xff" * length,
                "rubbish": chance.randbytes(length)}[fill]
        patch(target, at, data)
        said.append(f"{os.path.basename(target)} {length} of {fill} at {at}")
    return ", ".join(said)


def move_blocks(path, chance):
    """One block in the place of another: every byte is the store's, and none is where it was."""
    target, block = pick(path, chance), chance.choice(BLOCKS)
    count = max(1, os.path.getsize(target) // block)
    source, place = chance.randrange(count), chance.randrange(count)
    with open(target, "rb") as file:
        file.seek(source * block)
        data = file.read(block)
    patch(target, place * block, data)
    return f"{os.path.basename(target)} block {source} of {block} over {place}"


# --- foreign files ---

def put_text(path, chance):
    with open(path, "w", encoding="utf-8") as file:
        file.write("this was a database once, perhaps\n" * chance.choice([0, 1, 100, 3000]))
    return "a text"


def put_rubbish(path, chance):
    with open(path, "wb") as file:
        file.write(chance.randbytes(chance.choice([1, 100, 4096, 100000])))
    return "rubbish"


def put_header_only(path, chance):
    """As a copy that was cut off leaves it."""
    with open(path, "wb") as file:
        file.write(b"SQLite format 3\0" + bytes(chance.choice([0, 84, 4080])))
    return "an SQLite header and nothing behind it"


def put_folder(path, chance):
    os.mkdir(path)
    if chance.random() < 0.5:
        put_text(os.path.join(path, "file"), chance)
    return "a folder"


def put_socket(path, _):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as end:
        end.bind(path)
    return "a socket"


def put_fifo(path, _):
    os.mkfifo(path)
    return "a pipe"


FOREIGN = (put_text, put_rubbish, put_header_only, put_folder, put_socket, put_fifo)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def make_database(path, rows=50):
    """Another program's."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE addresses(name TEXT)")
        database.executemany("INSERT INTO addresses VALUES(?)",
                             [(f"somebody {i}",) for i in range(rows)])


def make_foreign_wal(wal, folder):
    """The WAL of another program's database, as a crash leaves it."""
    path = os.path.join(folder, "foreign.db")
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size = 2048")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE addresses(name TEXT)")
        database.execute("INSERT INTO addresses VALUES('somebody')")
        database.commit()
        shutil.copyfile(path + "-wal", wal)


# --- what is left ---

def content_of(path):
    """{first number: (count, body, more)} of what can be read by going over the table from either
    end, `more` being what a row says beside; and the names that belong to it, out of the table, not
    an index of it."""
    rows, names = {}, []
    for order in ("ASC", "DESC"):
        with contextlib.suppress(sqlite3.Error, UnicodeDecodeError), \
                contextlib.closing(sqlite3.connect(path)) as database:
            database.text_factory = bytes
            names = database.execute("SELECT id, machine, tags, sum FROM source").fetchall()
            for first, count, body, *more in database.execute(
                    "SELECT first_seq, count, body, boot, sum FROM batch"
                    f" ORDER BY first_seq {order}"):
                rows[first] = (count, body, more)
    return rows, names


def look_at(path, folder):
    """content_of a copy, since looking changes files."""
    copy = os.path.join(folder, "looked-at")
    shutil.rmtree(copy, ignore_errors=True)
    os.mkdir(copy)
    for part in parts(path):
        shutil.copyfile(part, os.path.join(copy, os.path.basename(part)))
    return content_of(os.path.join(copy, os.path.basename(path)))


def readable(sound, damaged):
    """Which rows of a sound store are still to be had: they are found and hold what they held, and
    so do the names. Both are content_of."""
    (rows, names), (left, left_names) = sound, damaged
    if names != left_names:
        return set()
    return {first for first, row in rows.items() if left.get(first) == row}


def untouched(sound, before, path):
    """Which rows lie on pages of the database that are as they were, be they the only ones.
    `before`: the sound database's bytes, without a WAL."""
    with open(path, "rb") as file:
        after = file.read()
    page_bytes = int.from_bytes(before[16:18], "big")

    def is_whole(data):
        """Wherever it is, it lies on one page, and that is unchanged."""
        places = [match.start() for match in re.finditer(re.escape(data), before)]
        firsts = [at - at % page_bytes for at in places]
        return places and all(
            at + len(data) <= first + page_bytes and
            before[first:first + page_bytes] == after[first:first + page_bytes]
            for at, first in zip(places, firsts))
    rows, names = sound
    if not all(is_whole(name[2]) for name in names):
        return set()
    return {first for first, (_, body, _) in rows.items() if is_whole(body)}
