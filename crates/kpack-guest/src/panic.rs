/// A panic is a trap: the host drops the instance and reports the kernel's fault.
///
/// The message is not formatted; formatting would be most of a module's size.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
