//! A bit of everything, and a folder for each sort of trap.

use super::{Needs, Recipe, deep::chain, flat::entries_in, json_heavy::files_in};
use crate::{
    Error, Unit,
    disk::Folder,
    json::{Document, Fault},
    part::Part,
    rng::Rng,
    text::Text,
};

/// At scale 1.
const PROSE: u64 = 3000;
const FLAT: u64 = 5000;
const JSON: u64 = 2000;
/// The folders of traps, for the bar.
const TRAPS: u64 = 100;

/// Part numbers of the random numbers that nobody else uses.
const TRAP_STREAM: u64 = 1 << 40;
const PROSE_STREAM: u64 = TRAP_STREAM + 1;
const CHAIN_STREAM: u64 = TRAP_STREAM + 2;

pub(super) fn needs(recipe: &Recipe<'_>) -> Needs {
    let (small, json) = (recipe.scaled(PROSE) + recipe.scaled(FLAT), recipe.scaled(JSON));
    Needs { bytes: small * 8192 + json * 80_000 + (16 << 20), inodes: small + json + 500 }
}

pub(super) fn write(recipe: &Recipe<'_>, root: &Folder) -> Result<Part, Error> {
    let (prose_files, entries, json) = (recipe.scaled(PROSE), recipe.scaled(FLAT), recipe.scaled(JSON));
    recipe.watch.planned(prose_files + entries + json + TRAPS, Unit::Files);
    let mut traps = Traps { recipe, rng: recipe.rng(TRAP_STREAM), part: Part::default() };
    traps.extensions(root)?;
    traps.hidden(root)?;
    traps.links(root)?;
    traps.specials(root)?;
    traps.names(root)?;
    traps.bytes(root)?;
    traps.json_bytes(root)?;
    traps.borders(root)?;
    traps.malformed(root)?;
    let mut part = traps.part;
    let long = part.folder(root, "long")?;
    // 30 names of 200 bytes are longer than `PATH_MAX` too, and each a large step.
    chain(recipe, &long, CHAIN_STREAM, 30, &[b'n'; 197], &mut part)?;
    recipe.watch.made(TRAPS);
    prose(recipe, root, prose_files, &mut part)?;
    let flat = part.folder(root, "flat")?;
    part.add(entries_in(recipe, &flat, entries)?);
    let folder = part.folder(root, "json")?;
    part.add(files_in(recipe, &folder, json)?);
    Ok(part)
}

/// Directories in directories, at random.
fn prose(recipe: &Recipe<'_>, root: &Folder, files: u64, part: &mut Part) -> Result<(), Error> {
    let mut rng = recipe.rng(PROSE_STREAM);
    let mut folders = vec![part.folder(root, "prose")?];
    for file in 0..files {
        let (size, planted) = (rng.between(0, 6000), rng.one_in(6));
        let text = Text::ordinary(&recipe.filler, &mut rng, size, planted);
        let folder = rng.below(folders.len() as u64) as usize;
        let folder = &folders[folder];
        if rng.one_in(5) {
            part.other(folder, format!("file{file:04}.md"), &text.finish().0)?;
        } else {
            part.text(folder, format!("file{file:04}.txt"), text)?;
        }
        // Open descriptors are few.
        if rng.one_in(8) && folders.len() < 30 {
            let new = part.folder(folder, format!("dir{file:04}"))?;
            folders.push(new);
        }
        recipe.watch.made(1);
    }
    Ok(())
}

/// Makes the folders of traps.
struct Traps<'a> {
    recipe: &'a Recipe<'a>,
    rng: Rng,
    part: Part,
}

impl<'a> Traps<'a> {
    /// A text with the needle.
    fn planted(&mut self) -> Text<'a> {
        Text::ordinary(&self.recipe.filler, &mut self.rng, 200, true)
    }

    /// An empty text.
    fn empty(&mut self) -> Text<'a> {
        Text::new(&self.recipe.filler, &Rng::new(self.rng.bits(), "trap", 0))
    }

    fn text(&mut self, folder: &Folder, name: impl AsRef<[u8]>) -> Result<(), Error> {
        let text = self.planted();
        self.part.text(folder, name, text)
    }

    fn json(&mut self, folder: &Folder, name: impl AsRef<[u8]>) -> Result<(), Error> {
        let json = Document::Records.write(self.recipe.json()?, &mut self.rng, 300, true);
        self.part.json(folder, name, json)
    }

    /// A file that would match, were its name another.
    fn other(&mut self, folder: &Folder, name: impl AsRef<[u8]>) -> Result<(), Error> {
        let (bytes, _) = self.planted().finish();
        self.part.other(folder, name, &bytes)
    }

    /// Only `.txt` and `.json`, exactly.
    fn extensions(&mut self, root: &Folder) -> Result<(), Error> {
        let folder = self.part.folder(root, "extensions")?;
        for name in [
            "a.TXT",
            "a.Txt",
            "a.md",
            "a.txt.bak",
            "a.txt~",
            "a.txt ",
            "a.tx",
            "a.txtx",
            "atxt",
            "a,txt",
            "noext",
            "txt",
            "json",
            "a.JSON",
            "a.jsonl",
            "a.json5",
            "a.json.gz",
            "a.txt.",
            "a.rs",
            "a.log",
        ] {
            self.other(&folder, name)?;
        }
        self.text(&folder, "a.txt")?;
        self.text(&folder, "a.json.txt")?;
        self.text(&folder, "a..txt")?;
        self.json(&folder, "a.json")?;
        self.json(&folder, "a.txt.json")?;
        for name in ["folder.txt", "folder.json"] {
            let inner = self.part.folder(&folder, name)?;
            self.text(&inner, "inner.txt")?;
        }
        self.part.folder(&folder, "empty.txt")?;
        Ok(())
    }

    /// Hidden and ignored: searched all the same.
    fn hidden(&mut self, root: &Folder) -> Result<(), Error> {
        let folder = self.part.folder(root, ".hidden")?;
        self.text(&folder, ".dot.txt")?;
        self.json(&folder, ".dot.json")?;
        self.text(&folder, "plain.txt")?;
        let git = self.part.folder(root, ".git")?;
        self.text(&git, "description.txt")?;
        let ignored = self.part.folder(root, "ignored")?;
        for name in [".gitignore", ".ignore", ".rgignore"] {
            self.part.other(&ignored, name, b"*\n*.txt\n*.json\n")?;
        }
        self.text(&ignored, "ignored.txt")?;
        self.json(&ignored, "ignored.json")
    }

    /// Symbolic links are not followed, so what they lead to is found once; hard links are files like others.
    fn links(&mut self, root: &Folder) -> Result<(), Error> {
        let folder = self.part.folder(root, "links")?;
        self.text(&folder, "target.txt")?;
        let inner = self.part.folder(&folder, "inner")?;
        self.text(&inner, "inner.txt")?;
        for (name, target) in [
            ("dangling.txt", "nowhere.txt"),
            ("dangling.json", "../../../../nowhere/at/all.json"),
            ("to-file.txt", "target.txt"),
            ("to-file.json", "target.txt"),
            ("to-folder", "inner"),
            ("to-folder.txt", "inner"),
            ("itself.txt", "itself.txt"),
            ("ping.txt", "pong.txt"),
            ("pong.txt", "ping.txt"),
            ("here", "."),
            ("up", ".."),
            ("up.txt", "../.."),
            ("through-a-file.txt", "target.txt/x"),
        ] {
            self.part.special(folder.symlink(name.as_bytes(), target.as_bytes()))?;
        }
        self.part.special(inner.symlink(b"back", b"../inner"))?;
        let twice = self.planted();
        let (bytes, found) = twice.finish();
        folder.file(b"one.txt", &bytes)?;
        folder.hard_link(b"two.txt", b"one.txt")?;
        for name in [b"one.txt", b"two.txt"] {
            self.part.text_made(&folder, name, bytes.len() as u64, found.clone());
        }
        Ok(())
    }

    /// Who opens one of these waits for ever.
    fn specials(&mut self, root: &Folder) -> Result<(), Error> {
        let folder = self.part.folder(root, "special")?;
        for name in ["pipe.txt", "pipe.json", "pipe"] {
            self.part.special(folder.fifo(name.as_bytes()))?;
        }
        for name in ["socket.txt", "socket.json"] {
            self.part.special(folder.socket(name.as_bytes()))?;
        }
        self.part.special(folder.symlink(b"to-pipe.txt", b"pipe.txt"))?;
        self.text(&folder, "regular.txt")
    }

    /// All that a name may be made of.
    fn names(&mut self, root: &Folder) -> Result<(), Error> {
        let longest = [b"n".repeat(251), b".txt".to_vec()].concat();
        let folder = self.part.folder(root, "names")?;
        for name in [
            &b"new\nline.txt"[..],
            b"\n.txt",
            b"return\r.txt",
            b"tab\t.txt",
            b"escape\x1b[31m.txt",
            b"delete\x7f.txt",
            b" leading.txt",
            b"inner space .txt",
            b"-n.txt",
            b"--help.txt",
            b"-.txt",
            b"quote\"'`.txt",
            b"back\\slash.txt",
            b"*?[a].txt",
            b"$(x);&|<>.txt",
            b"colon:1:2.txt",
            b"bad\xff\xfe.txt",
            b"\x80.txt",
            b"cut\xe2\x82.txt",
            "müde-字-🦀.txt".as_bytes(),
            "e\u{301}.txt".as_bytes(),
            "é.txt".as_bytes(),
            b"...txt",
            &longest,
        ] {
            self.text(&folder, name)?;
        }
        self.json(&folder, b"bad\xff.json")?;
        self.json(&folder, "new\nline.json")?;
        for name in [&b"folder\nline"[..], b"folder\xff", b"-r", b" ", b"..."] {
            let inner = self.part.folder(&folder, name)?;
            self.text(&inner, "inner.txt")?;
        }
        Ok(())
    }

    /// All that a text may be made of.
    fn bytes(&mut self, root: &Folder) -> Result<(), Error> {
        let recipe = self.recipe;
        let folder = self.part.folder(root, "bytes")?;
        let empty = self.empty();
        self.part.text(&folder, "empty.txt", empty)?;
        // A single plant with nothing around, and then with one thing on either side.
        let mut alone = self.empty();
        alone.plant();
        self.part.text(&folder, "alone.txt", alone)?;
        let mut twice = self.empty();
        twice.plant();
        twice.needle_again();
        self.part.text(&folder, "twice.txt", twice)?;
        let every: Vec<u8> = (0..=u8::MAX).collect();
        let pieces: [(&str, &[u8]); 9] = [
            ("nul.txt", b"\0\0\0"),
            ("invalid.txt", b"\xff\xfe\x80\xc0\xaf\xed\xa0\x80"),
            ("every-byte.txt", &every),
            ("mark.txt", "\u{feff}".as_bytes()),
            ("crlf.txt", b"line\r\nline\r\n"),
            ("cr.txt", b"line\rline\r"),
            ("newlines.txt", b"\n\n\n\n"),
            ("unicode-lines.txt", "a\u{2028}b\u{85}c\u{b}d\u{c}e".as_bytes()),
            ("elf.txt", b"\x7fELF\x02\x01\x01\0"),
        ];
        for (name, piece) in pieces {
            let mut text = self.empty();
            text.raw(piece);
            text.plant();
            text.raw(piece);
            text.plant();
            text.raw(piece);
            self.part.text(&folder, name, text)?;
        }
        let mut misses = self.empty();
        misses.near_misses();
        self.part.text(&folder, "near-misses.txt", misses)?;
        let mut line = Text::new(&recipe.filler, &recipe.rng(TRAP_STREAM));
        line.raw(&b"x".repeat(300_000));
        line.plant();
        self.part.text(&folder, "long-line.txt", line)?;
        self.utf16(&folder)
    }

    /// The needle in UTF-16 is no match: its bytes are others.
    fn utf16(&mut self, folder: &Folder) -> Result<(), Error> {
        let needle = String::from_utf8_lossy(self.recipe.filler.needle()).into_owned();
        let words = format!("\u{feff}Of {needle} and others.\n{needle}\n");
        let (mut little, mut big) = (vec![], vec![]);
        for unit in words.encode_utf16() {
            little.extend_from_slice(&unit.to_le_bytes());
            big.extend_from_slice(&unit.to_be_bytes());
        }
        for (name, bytes) in [("utf16le.txt", little), ("utf16be.txt", big)] {
            let mut text = self.empty();
            text.raw(&bytes);
            self.part.text(folder, name, text)?;
        }
        Ok(())
    }

    /// All that JSON may begin and end with.
    fn json_bytes(&mut self, root: &Folder) -> Result<(), Error> {
        let json = self.recipe.json()?;
        let folder = self.part.folder(root, "json-bytes")?;
        let scalar = Document::Scalar.write(json, &mut self.rng, 20, true);
        self.part.json(&folder, "scalar.json", scalar)?;
        let marked = Document::Scalar.write_marked(json, &mut self.rng, 20, true);
        self.part.json(&folder, "marked-scalar.json", marked)?;
        let marked = Document::Records.write_marked(json, &mut self.rng, 2000, true);
        self.part.json(&folder, "marked.json", marked)?;
        let deep = Document::Deep.write(json, &mut self.rng, 20_000, true);
        self.part.json(&folder, "deep.json", deep)?;
        let borders = Document::Borders.write(json, &mut self.rng, 300_000, true);
        self.part.json(&folder, "borders.json", borders)
    }

    /// One of each fault.
    fn malformed(&mut self, root: &Folder) -> Result<(), Error> {
        let json = self.recipe.json()?;
        let folder = self.part.folder(root, "malformed")?;
        for number in 0..Fault::COUNT {
            let size = self.rng.between(0, 1000);
            let fault = Fault::numbered(number, json).write(json, &mut self.rng, size, true);
            self.part.json(&folder, format!("fault{number:02}.json"), fault)?;
        }
        Ok(())
    }

    /// The needle across the borders of usual buffers.
    fn borders(&mut self, root: &Folder) -> Result<(), Error> {
        let folder = self.part.folder(root, "borders")?;
        for border in [4096, 8192, 32 << 10, 64 << 10, 128 << 10, 256 << 10] {
            let length = self.recipe.filler.needle().len() as u64;
            for (name, before) in [("begins", 0), ("crosses", 1), ("ends", length)] {
                let mut text = self.empty();
                for multiple in 1..=2 {
                    let offset = (border * multiple as u64).saturating_sub(before);
                    if text.fill_towards(offset) {
                        text.plant();
                    }
                }
                self.part.text(&folder, format!("{name}-at-{border}.txt"), text)?;
            }
        }
        Ok(())
    }
}
