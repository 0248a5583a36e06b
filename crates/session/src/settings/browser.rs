//! What is told to the whole browser: its proxy by flag, permissions through its own session.

use base::Ctx;
use cdp::protocol::browser::{
    PermissionDescriptor, PermissionSetting, ResetPermissions, SetPermission,
};

use super::SettingsPart;
use crate::Error;
use crate::live::Live;

/// What the browser is started with.
pub(crate) fn flags(part: &SettingsPart) -> Vec<String> {
    let Some(proxy) = &part.proxy else {
        return vec![];
    };
    let mut flags = vec![
        format!("--proxy-server={}", proxy.server),
        // Measured with Chromium 156: without it STUN packets go round the proxy.
        "--webrtc-ip-handling-policy=disable_non_proxied_udp".to_owned(),
    ];
    if !proxy.bypass.is_empty() {
        flags.push(format!("--proxy-bypass-list={}", proxy.bypass.join(";")));
    }
    flags
}

/// Grants what pages may do. Said again, it replaces what was said before.
///
/// # Errors
/// [`Error::InvalidArgument`] for a permission that Chromium doesn't know.
///
/// # Cancel safety
/// Yes: say it again.
pub(crate) async fn permit(ctx: &Ctx, live: &Live, part: &SettingsPart) -> Result<(), Error> {
    let root = live.connection.root();
    let mut granted: Vec<String> = part.permissions.clone();
    // Nobody can be asked, and a place that no page is told is of no use.
    if part.emulation.geolocation.is_some() && !granted.iter().any(|name| name == "geolocation") {
        granted.push("geolocation".to_owned());
    }
    root.call(ctx, &ResetPermissions::default()).await?;
    for name in granted {
        // `grantPermissions` would take away what pages may do unasked.
        let set = SetPermission {
            permission: PermissionDescriptor {
                name,
                ..Default::default()
            },
            setting: PermissionSetting::Granted,
            ..Default::default()
        };
        match root.call(ctx, &set).await {
            Err(cdp::Error::Protocol { message, .. }) => {
                return Err(Error::InvalidArgument {
                    argument: "permissions",
                    reason: message,
                });
            }
            set => {
                set?;
            }
        }
    }
    Ok(())
}
