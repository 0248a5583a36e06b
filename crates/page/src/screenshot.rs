//! Screenshots: the viewport, the full page, or one element.

use base::Ctx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cdp::protocol::page as wire;
use serde_json::json;

use crate::frames::Area;
use crate::target::Found;
use crate::{Error, Locator, Page, image_size};

/// The longest side of a picture: beyond it the compositor's textures end and the rest of
/// the picture repeats or stays empty.
const MAX_SIDE: f64 = 16_384.0;

/// What a screenshot shall show.
#[derive(Clone, Debug, Default)]
pub struct Screenshot {
    /// The whole page instead of what is in view.
    pub full_page: bool,
    /// One element, scrolled into view. It wins over `full_page`.
    pub locator: Option<Locator>,
    /// The file format.
    pub format: ImageFormat,
    /// From 0 to 100, for JPEG and WebP.
    pub quality: Option<u8>,
}

/// The formats of a screenshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ImageFormat {
    /// PNG.
    #[default]
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

/// A picture of a page.
#[derive(Clone)]
pub struct Image {
    /// The file.
    pub data: Bytes,
    /// Its media type.
    pub mime: &'static str,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Image({}, {}×{}, {} bytes)",
            self.mime,
            self.width,
            self.height,
            self.data.len()
        )
    }
}

impl Page {
    /// Takes a picture of the page.
    ///
    /// A page longer than 16,384 pixels is shown up to there.
    ///
    /// # Errors
    /// [`Error::RefStale`] or [`Error::NotActionable`] if the element is not there.
    ///
    /// # Cancel safety
    /// Yes: nothing but the scroll position may have changed, for an element.
    pub async fn screenshot(&self, ctx: &Ctx, options: &Screenshot) -> Result<Image, Error> {
        if options.quality.is_some_and(|quality| quality > 100) {
            let reason = "from 0 to 100".to_owned();
            return Err(Error::InvalidArgument {
                argument: "quality",
                reason,
            });
        }
        let area = self.not_held_up(ctx, self.area(ctx, options)).await?;
        let (format, mime) = match options.format {
            ImageFormat::Png => (wire::CaptureScreenshotFormat::Png, "image/png"),
            ImageFormat::Jpeg => (wire::CaptureScreenshotFormat::Jpeg, "image/jpeg"),
            ImageFormat::Webp => (wire::CaptureScreenshotFormat::Webp, "image/webp"),
        };
        let lossy = options.format != ImageFormat::Png;
        let capture = wire::CaptureScreenshot {
            format: Some(format),
            quality: options.quality.filter(|_| lossy).map(i64::from),
            clip: area.map(Area::clip),
            capture_beyond_viewport: Some(area.is_some()),
            ..Default::default()
        };
        let file = self.call(ctx, &capture).await?.data;
        let broken = |reason: String| Error::Script { reason };
        let data = STANDARD
            .decode(file)
            .map_err(|err| broken(err.to_string()))?;
        let (width, height) =
            image_size::of(&data).ok_or_else(|| broken("the picture has no size".to_owned()))?;
        Ok(Image {
            data: data.into(),
            mime,
            width,
            height,
        })
    }

    async fn area(&self, ctx: &Ctx, options: &Screenshot) -> Result<Option<Area>, Error> {
        Ok(match &options.locator {
            Some(target) => {
                let found: Found<Area> = self.ready(ctx, target, "area", json!({})).await?;
                Some(self.area_to_top(ctx, &found.frame, found.value).await?)
            }
            None if options.full_page => Some(self.whole(ctx).await?),
            None => None,
        })
    }

    async fn whole(&self, ctx: &Ctx) -> Result<Area, Error> {
        let size = self
            .call(ctx, &wire::GetLayoutMetrics {})
            .await?
            .css_content_size;
        Ok(Area {
            x: 0.0,
            y: 0.0,
            width: size.width,
            height: size.height,
        })
    }
}

impl Area {
    pub(crate) fn clip(self) -> wire::Viewport {
        wire::Viewport {
            x: self.x,
            y: self.y,
            width: self.width.clamp(1.0, MAX_SIDE),
            height: self.height.clamp(1.0, MAX_SIDE),
            scale: 1.0,
        }
    }
}
