//! Devices by name: the screen and the user agent that go together.

use crate::checkpoint::part::settings::ViewportPart;

/// A device that can be emulated.
#[derive(Debug)]
pub struct Device {
    /// Its name.
    pub name: &'static str,
    width: u32,
    height: u32,
    scale: f64,
    mobile: bool,
    user_agent: &'static str,
    platform: &'static str,
}

const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const IPAD: &str = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1";
const PIXEL: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";
const GALAXY: &str = "Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36";

/// The devices there are. A desktop has the browser's own user agent.
pub const DEVICES: [Device; 7] = [
    phone("iPhone 15", 393, 852, 3.0, IPHONE, "iPhone"),
    phone("iPhone SE", 375, 667, 2.0, IPHONE, "iPhone"),
    phone("iPad", 820, 1180, 2.0, IPAD, "iPad"),
    phone("Pixel 8", 412, 915, 2.625, PIXEL, "Linux armv81"),
    phone("Galaxy S24", 360, 780, 3.0, GALAXY, "Linux armv81"),
    desktop("Desktop", 1280, 720),
    desktop("Desktop large", 1920, 1080),
];

const fn phone(
    name: &'static str,
    width: u32,
    height: u32,
    scale: f64,
    user_agent: &'static str,
    platform: &'static str,
) -> Device {
    Device {
        name,
        width,
        height,
        scale,
        mobile: true,
        user_agent,
        platform,
    }
}

const fn desktop(name: &'static str, width: u32, height: u32) -> Device {
    Device {
        name,
        width,
        height,
        scale: 1.0,
        mobile: false,
        user_agent: "",
        platform: "",
    }
}

impl Device {
    /// Returns the device of that name, however it is capitalised.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        DEVICES
            .iter()
            .find(|device| device.name.eq_ignore_ascii_case(name.trim()))
    }

    pub(super) const fn viewport(&self) -> ViewportPart {
        ViewportPart {
            width: self.width,
            height: self.height,
            scale: self.scale,
            mobile: self.mobile,
            touch: self.mobile,
        }
    }

    pub(super) fn user_agent(&self) -> Option<String> {
        (!self.user_agent.is_empty()).then(|| self.user_agent.to_owned())
    }

    pub(super) fn platform(&self) -> Option<String> {
        (!self.platform.is_empty()).then(|| self.platform.to_owned())
    }
}
