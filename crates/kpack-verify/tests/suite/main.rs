//! The promises of `kpack-verify`, and the attacks that they hold against, through its public
//! interface.

#[cfg(test)]
mod accepted;
#[cfg(test)]
mod archive;
#[cfg(test)]
mod debug_forms;
#[cfg(test)]
mod files;
#[cfg(test)]
mod floors;
#[cfg(test)]
mod host_state;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod root_keys;
#[cfg(test)]
mod sign;
#[cfg(test)]
mod signature_file;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trust_draft;
#[cfg(test)]
mod trust_file;
#[cfg(test)]
mod trust_rules;
