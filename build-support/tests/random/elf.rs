//! The smallest executable that has code and symbols.

/// An ELF file with `code` at `base`, a symbol for each function (start and length), and, if it is not empty, an unwind table.
pub fn executable(code: &[u8], base: u64, functions: &[(u64, u64)], eh_frame: &[u8]) -> Vec<u8> {
    const HEADER: u64 = 64;
    const PROGRAM_HEADER: u64 = 56;
    let code_at = HEADER + PROGRAM_HEADER;
    let names = b"\0.text\0.symtab\0.strtab\0f\0.eh_frame\0";
    let symbols_at = code_at + code.len() as u64;
    let symbols_len = 24 * (functions.len() as u64 + 1);
    let names_at = symbols_at + symbols_len;
    let table_at = names_at + names.len() as u64;
    let sections_at = table_at + eh_frame.len() as u64;
    let sections = if eh_frame.is_empty() { 4 } else { 5 };

    let mut file = Vec::new();
    let half = |file: &mut Vec<u8>, values: &[u16]| values.iter().for_each(|v| file.extend(v.to_le_bytes()));
    let word = |file: &mut Vec<u8>, values: &[u32]| values.iter().for_each(|v| file.extend(v.to_le_bytes()));
    let long = |file: &mut Vec<u8>, values: &[u64]| values.iter().for_each(|v| file.extend(v.to_le_bytes()));

    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    half(&mut file, &[2, 62]); // executable, x86-64
    word(&mut file, &[1]);
    long(&mut file, &[base, HEADER, sections_at]);
    word(&mut file, &[0]);
    half(&mut file, &[64, 56, 1, 64, sections, 3]);

    word(&mut file, &[1, 5]); // loaded, readable and executable
    long(&mut file, &[code_at, base, base, code.len() as u64, code.len() as u64, 1]);

    file.extend(code);

    long(&mut file, &[0, 0, 0]);
    for (start, len) in functions {
        word(&mut file, &[23]);
        file.extend([0x12, 0]); // a global function
        half(&mut file, &[1]);
        long(&mut file, &[*start, *len]);
    }
    file.extend(names);
    file.extend(eh_frame);

    let mut section = |name: u32,
                       kind: u32,
                       flags: u64,
                       address: u64,
                       at: u64,
                       len: u64,
                       link: u32,
                       info: u32,
                       entry: u64| {
        word(&mut file, &[name, kind]);
        long(&mut file, &[flags, address, at, len]);
        word(&mut file, &[link, info]);
        long(&mut file, &[1, entry]);
    };
    section(0, 0, 0, 0, 0, 0, 0, 0, 0);
    section(1, 1, 6, base, code_at, code.len() as u64, 0, 0, 0);
    section(7, 2, 0, 0, symbols_at, symbols_len, 3, 1, 24);
    section(15, 3, 0, 0, names_at, names.len() as u64, 0, 0, 0);
    if !eh_frame.is_empty() {
        section(25, 1, 2, base + (1 << 24), table_at, eh_frame.len() as u64, 0, 0, 0);
    }
    file
}
