//! The tool list, made once.

use std::sync::{Arc, OnceLock};

use api::tool;
use rmcp::model::{Tool, ToolAnnotations};

/// Returns the listed tools.
pub(crate) fn listed() -> Vec<Tool> {
    static TOOLS: OnceLock<Vec<Tool>> = OnceLock::new();
    TOOLS
        .get_or_init(|| tool::listed().into_iter().map(as_mcp).collect())
        .clone()
}

fn as_mcp(tool: tool::Tool) -> Tool {
    let mut out = Tool::new(tool.name, tool.description, Arc::new(tool.input_schema));
    if tool.read_only {
        out.annotations = Some(ToolAnnotations::new().read_only(true));
    }
    out
}
