//! `kpack trust`: one file per verb below it.

mod add_key;
mod edit;
mod init;
mod revoke;
mod rotate;
mod show;
mod sign;

use crate::args::TrustVerb;
use crate::console::Console;
use crate::failure::Failure;
use crate::report::Report;

pub(crate) fn run(verb: &TrustVerb, console: &Console) -> Result<Report, Failure> {
    match verb {
        TrustVerb::Init(args) => init::run(args),
        TrustVerb::AddKey(args) => add_key::run(args, console),
        TrustVerb::Revoke(args) => revoke::run(args, console),
        TrustVerb::Rotate(args) => rotate::run(args),
        TrustVerb::Show(args) => show::run(args),
        TrustVerb::Sign(args) => sign::run(args, console),
    }
}
