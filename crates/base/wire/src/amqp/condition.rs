//! Conditions of errors beyond those of the standard, as clients know them. Symbols.
//! Source: `reference/hub-device.md` 3.7, `reference/hub-service.md` 2.3

/// The request itself is wrong.
pub const ARGUMENT_ERROR: &str = "com.microsoft:argument-error";
/// A value beyond what is allowed.
pub const ARGUMENT_OUT_OF_RANGE: &str = "com.microsoft:argument-out-of-range";
/// No hub of that name.
pub const IOT_HUB_NOT_FOUND: &str = "com.microsoft:iot-hub-not-found-error";
/// Registered already.
pub const DEVICE_ALREADY_EXISTS: &str = "com.microsoft:device-already-exists";
/// Too much at once.
pub const DEVICE_CONTAINER_THROTTLED: &str = "com.microsoft:device-container-throttled";
/// Held for too long.
pub const MESSAGE_LOCK_LOST: &str = "com.microsoft:message-lock-lost";
/// Another change came between.
pub const PRECONDITION_FAILED: &str = "com.microsoft:precondition-failed";
/// Nobody answered in time.
pub const TIMEOUT: &str = "com.microsoft:timeout";
/// Key of an error's `info`: a `string` that finds the error in the log.
pub const TRACKING_ID: &str = "com.microsoft:tracking-id";
