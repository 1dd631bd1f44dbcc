#!/usr/bin/env python3
"""Writes THIRD-PARTY.md: the notices of every crate that the program is linked with, on Linux, macOS or Windows.

    python3 tests/third_party.py > THIRD-PARTY.md

Texts are those that the crates carry, or where one carries none that of the licence that it names; of several licences
to choose from MIT is taken where it is among them. Run it again when Cargo.lock changes: the suite tells when a crate is
missing.
"""

import collections
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The systems that the program is built for; which of a crate's own crates it is linked with depends on them.
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin",
           "x86_64-pc-windows-msvc"]
TREE = ["cargo", "tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none",
        *(word for target in TARGETS for word in ("--target", target)), "--format", "{p}|{l}|{r}"]
NOTICE = re.compile(r"^(licen[cs]e|copying|copyright|notice|unlicense)", re.IGNORECASE)


def crates():
    """Name, version, licence and repository of each crate but this one, in order."""
    lines = subprocess.run(TREE, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    found = set()
    for line in filter(None, lines):
        package, licence, repository = (line.removesuffix(" (*)").split("|") + [""])[:3]
        name, version = package.split()[:2]
        if name != "equipoise":
            found.add((name, version.removeprefix("v"), licence, repository.removesuffix(" (*)")))
    return sorted(found)


def folder(name, version):
    """Where cargo has unpacked a crate."""
    home = pathlib.Path(subprocess.os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo"))
    places = sorted(home.glob(f"registry/src/*/{name}-{version}"))
    if not places:
        sys.exit(f"{name} {version} is not unpacked: build the program first")
    return places[0]


def notices(name, version, licence):
    """The texts that must travel with a crate."""
    files = sorted(p for p in folder(name, version).rglob("*") if p.is_file() and NOTICE.match(p.name)
                   and p.suffix.lower() in ("", ".md", ".txt") or p.name.upper().startswith("LICENSE-"))
    files = [p for p in files if p.is_file() and p.suffix not in (".rs", ".py")]
    choice = re.split(r"\s+OR\s+|/", licence)
    if "MIT" in choice:
        mit = [p for p in files if "MIT" in p.name.upper()]
        others = [p for p in files if re.search(r"notice|copyright", p.name, re.IGNORECASE)]
        files = mit + others if mit else files
    texts = []
    for path in files:
        text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
        text = "\n".join(line.rstrip() for line in text.strip("\n").split("\n"))
        if text and text not in texts:
            texts.append(text)
    return texts or [unwritten(name, version, choice)]


def unwritten(name, version, choice):
    """The notice of a crate that names its licence and authors and carries no text: that of MIT, in their names."""
    if "MIT" not in choice:
        sys.exit(f"{name} {version} carries no text of its licence: look for it, and tell this program where it is")
    manifest = tomllib.loads((folder(name, version) / "Cargo.toml").read_text(encoding="utf-8"))
    authors = ", ".join(author.split(" <")[0] for author in manifest["package"]["authors"])
    _, _, terms = (ROOT / "LICENSE").read_text(encoding="utf-8").partition("Permission is hereby granted")
    return f"Copyright (c) {authors}\n\nPermission is hereby granted{terms}".rstrip("\n")


def main():
    used = collections.OrderedDict()
    print("# Notices of third parties\n")
    print("The program is linked with the crates below (some of them on one system only: Linux, macOS or Windows), under the")
    print("licences that stand beside them; their notices follow.")
    print("Two subsets of DejaVu Sans are inside too: `assets/LICENSE-fonts.txt`. `tests/third_party.py` writes this file.\n")
    print("| crate | version | licence | source |\n|---|---|---|---|")
    for name, version, licence, repository in crates():
        print(f"| {name} | {version} | {licence} | {repository or 'https://crates.io/crates/' + name} |")
        for text in notices(name, version, licence):
            used.setdefault(text, []).append(f"{name} {version}")
    for text, names in used.items():
        fence = "~~~~"
        print(f"\n## {', '.join(names)}\n\n{fence}text\n{text}\n{fence}")


main()
