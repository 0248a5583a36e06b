//! PDF: the page as it would be printed.

use base::Ctx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cdp::protocol::page as wire;

use crate::{Error, Page};

/// How the page is printed; what is `None` is as the browser has it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Pdf {
    /// Broad rather than high.
    pub landscape: bool,
    /// With the backgrounds.
    pub background: bool,
    /// From 0.1 to 2.
    pub scale: Option<f64>,
    /// Width and height of the paper in inches.
    pub paper: Option<(f64, f64)>,
    /// All four margins in inches.
    pub margin: Option<f64>,
    /// Which pages, such as `1-3, 5`.
    pub pages: Option<String>,
    /// HTML at the head of each page.
    pub header: Option<String>,
    /// HTML at the foot of each page.
    pub footer: Option<String>,
    /// The size that the page's own style sheet asks for.
    pub css_page_size: bool,
}

impl Page {
    /// Prints the page.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a size, scale or range that can't be.
    ///
    /// # Cancel safety
    /// Yes: the page may see that it was printed.
    pub async fn pdf(&self, ctx: &Ctx, options: &Pdf) -> Result<Bytes, Error> {
        check("scale", options.scale, 0.1..=2.0)?;
        check("margin", options.margin, 0.0..=20.0)?;
        check("paper", options.paper.map(|(width, _)| width), 0.5..=200.0)?;
        check(
            "paper",
            options.paper.map(|(_, height)| height),
            0.5..=200.0,
        )?;
        let print = wire::PrintToPDF {
            landscape: Some(options.landscape),
            print_background: Some(options.background),
            scale: options.scale,
            paper_width: options.paper.map(|(width, _)| width),
            paper_height: options.paper.map(|(_, height)| height),
            margin_top: options.margin,
            margin_bottom: options.margin,
            margin_left: options.margin,
            margin_right: options.margin,
            page_ranges: options.pages.clone(),
            display_header_footer: Some(options.header.is_some() || options.footer.is_some()),
            // An empty one keeps the browser's own away.
            header_template: Some(
                options
                    .header
                    .clone()
                    .unwrap_or_else(|| "<i></i>".to_owned()),
            ),
            footer_template: Some(
                options
                    .footer
                    .clone()
                    .unwrap_or_else(|| "<i></i>".to_owned()),
            ),
            prefer_css_page_size: Some(options.css_page_size),
            ..Default::default()
        };
        self.fresh(ctx).await?;
        let printed = self.call(ctx, &print).await.map_err(|err| match err {
            Error::Cdp(cdp::Error::Protocol { message, .. }) => Error::InvalidArgument {
                argument: "pages, paper or margin",
                reason: message,
            },
            err => err,
        })?;
        let file = STANDARD.decode(printed.data);
        file.map(Bytes::from).map_err(|err| Error::Script {
            reason: err.to_string(),
        })
    }
}

fn check(
    argument: &'static str,
    value: Option<f64>,
    range: std::ops::RangeInclusive<f64>,
) -> Result<(), Error> {
    match value {
        Some(value) if !range.contains(&value) => Err(Error::InvalidArgument {
            argument,
            reason: format!("from {} to {}", range.start(), range.end()),
        }),
        _ => Ok(()),
    }
}
