//! Screenshots: the viewport, the full page, or one element.

use base::Ctx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cdp::protocol::page as wire;
use serde::Deserialize;
use serde_json::json;

use crate::frames::Area;
use crate::target::Found;
use crate::world::Ask;
use crate::{Error, Locator, Page, SnapshotOptions, image_size};

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
    /// Pixels of the picture for one of the page's, from 0.1 to 4.
    pub scale: Option<f64>,
    /// With a box and the ref around each element that can be acted on.
    pub annotate: bool,
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

/// What can be acted on in a frame's viewport: number, place and size.
#[derive(Deserialize, Debug)]
struct Boxes {
    boxes: Vec<(u64, f64, f64, f64, f64)>,
    /// How far the frame is scrolled.
    scroll: (f64, f64),
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
        let scale = options.scale.unwrap_or(1.0);
        if !(0.1..=4.0).contains(&scale) {
            return Err(Error::InvalidArgument {
                argument: "scale",
                reason: "from 0.1 to 4".to_owned(),
            });
        }
        if options.annotate {
            // Every element that can be acted on has a number then.
            Box::pin(self.snapshot(ctx, &SnapshotOptions::default())).await?;
        }
        let mut area = self.not_held_up(ctx, self.area(ctx, options)).await?;
        if area.is_none() && (options.annotate || options.scale.is_some()) {
            area = Some(self.in_view(ctx).await?);
        }
        let (format, mime) = match options.format {
            ImageFormat::Png => (wire::CaptureScreenshotFormat::Png, "image/png"),
            ImageFormat::Jpeg => (wire::CaptureScreenshotFormat::Jpeg, "image/jpeg"),
            ImageFormat::Webp => (wire::CaptureScreenshotFormat::Webp, "image/webp"),
        };
        let lossy = options.format != ImageFormat::Png;
        let capture = wire::CaptureScreenshot {
            format: Some(format),
            quality: options.quality.filter(|_| lossy).map(i64::from),
            clip: area.map(|area| area.clip(scale)),
            capture_beyond_viewport: Some(area.is_some()),
            ..Default::default()
        };
        let mut file = self.call(ctx, &capture).await?.data;
        if let Some(area) = area.filter(|_| options.annotate) {
            let quality = capture.quality;
            file = self
                .annotated(ctx, file, mime, quality, area, scale)
                .await?;
        }
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

    /// Returns the part of the page that is in view.
    async fn in_view(&self, ctx: &Ctx) -> Result<Area, Error> {
        let view = self.call(ctx, &wire::GetLayoutMetrics {}).await?;
        let view = view.css_visual_viewport;
        Ok(Area {
            x: view.page_x,
            y: view.page_y,
            width: view.client_width,
            height: view.client_height,
        })
    }

    /// Draws boxes and refs onto a picture of an area.
    async fn annotated(
        &self,
        ctx: &Ctx,
        file: String,
        mime: &str,
        quality: Option<i64>,
        area: Area,
        scale: f64,
    ) -> Result<String, Error> {
        let main = self.main_frame();
        let mut boxes = Vec::new();
        for frame in self.walked_frames(ctx).await? {
            let ask = Ask {
                frame: &frame,
                function: "boxesInView",
                arguments: json!({}),
            };
            // A frame that has gone meanwhile has no boxes any more.
            let Ok(found) = self.ask_once::<_, Boxes>(ctx, &ask).await else {
                continue;
            };
            let (dx, dy) = found.scroll;
            for (number, x, y, width, height) in found.boxes {
                let spot = Area {
                    x,
                    y,
                    width,
                    height,
                };
                let spot = match frame == main {
                    true => Area {
                        x: x + dx,
                        y: y + dy,
                        ..spot
                    },
                    false => match self.area_to_top(ctx, &frame, spot).await {
                        Ok(spot) => spot,
                        Err(_) => continue,
                    },
                };
                let (left, top) = (spot.x - area.x, spot.y - area.y);
                let inside = left < area.width
                    && top < area.height
                    && 0.0 < left + spot.width
                    && 0.0 < top + spot.height;
                if inside {
                    boxes.push((
                        number,
                        left * scale,
                        top * scale,
                        spot.width * scale,
                        spot.height * scale,
                    ));
                }
            }
        }
        let draw = Ask {
            frame: &main,
            function: "drawMarks",
            arguments: json!({ "data": file, "mime": mime, "quality": quality, "boxes": boxes }),
        };
        self.ask(ctx, &draw).await
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
    pub(crate) fn clip(self, scale: f64) -> wire::Viewport {
        wire::Viewport {
            x: self.x,
            y: self.y,
            width: self.width.clamp(1.0, MAX_SIDE),
            height: self.height.clamp(1.0, MAX_SIDE),
            scale,
        }
    }
}
