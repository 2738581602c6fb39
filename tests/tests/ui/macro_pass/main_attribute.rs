use std::process::ExitCode;

#[vthread::vthread]
fn depth(n: u32) -> u32 {
    if n == 0 { 0 } else { 1 + depth(n - 1) }
}

#[vthread::main]
fn main() -> ExitCode {
    assert_eq!(vthread::__private::current(), 1);
    assert_eq!(depth(30), 30);
    ExitCode::SUCCESS
}
