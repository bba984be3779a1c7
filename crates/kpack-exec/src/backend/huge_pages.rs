//! Large memories in large pages.
#![allow(
    unsafe_code,
    reason = "advice to the system about memory is given by address"
)]

/// Asks the system to back a large memory by huge pages: streams through it then wait less for
/// addresses to be looked up, and a fresh one is mapped in 512 times fewer faults.
///
/// Without effect on what the memory holds, and where the system does not take such advice. An operator
/// decides about huge pages for the whole system (`/sys/kernel/mm/transparent_hugepage`).
#[cfg(target_os = "linux")]
pub(crate) fn advise(memory: &mut [u8]) {
    /// What the system hands out at once where it can.
    const HUGE_PAGE: usize = 2 << 20;
    if memory.len() < 2 * HUGE_PAGE {
        return;
    }
    let advice = rustix::mm::Advice::LinuxHugepage;
    // SAFETY: the slice is mapped memory that this borrow alone may use, it begins at a page as every
    // linear memory does (or the system refuses), and this advice changes none of its bytes.
    let advised = unsafe { rustix::mm::madvise(memory.as_mut_ptr().cast(), memory.len(), advice) };
    if advised.is_err() {
        tracing::trace!("the system takes no advice about huge pages");
    }
}

/// Other systems decide about large pages by themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn advise(_: &mut [u8]) {}
