//! What operators ask about adapters, in the door's words: the door knows who asks, this knows how it is done.

use super::reload::{ReloadFault, Reloader, Renewed};
use crate::catalogue::Catalogue;
use crate::exchange::{Fault, Refusal};
use crate::http::{Adapters, Answer, Problem};
use serde_json::{Value, json};
use std::sync::Arc;

// === impl Reloader ===

impl Adapters for Reloader {
    fn reload<'a>(&'a self, who: &'a str) -> Answer<'a> {
        Box::pin(async move { self.reload(who).await.map(|r| shown(&r)).map_err(Problem::from) })
    }

    fn set(&self, digest: &str) -> Option<Arc<Catalogue>> {
        self.shelf.set(digest)
    }
}

fn shown(renewed: &Renewed) -> Value {
    json!({
        "adapters": renewed.digest,
        "before": renewed.before,
        "changed": renewed.digest != renewed.before,
        "came": renewed.came,
        "went": renewed.went,
        "callers": renewed.callers,
    })
}

impl From<ReloadFault> for Problem {
    fn from(fault: ReloadFault) -> Self {
        let text_en = fault.to_string();
        let first = text_en.lines().next().unwrap_or_default().trim_end_matches(':');
        let refusal = |code, status, text: &str| Refusal::new(code, status, text, first);
        match &fault {
            ReloadFault::Adapters(faults) => {
                let text = "Bộ cấu hình kết nối mới có lỗi; bộ đang dùng được giữ nguyên.";
                let mut refusal = refusal("adapters-wrong", 422, text);
                refusal.faults = faults.iter().map(place).collect();
                Self::from(refusal).and("report", faults.render(false).into())
            }
            ReloadFault::Config(_) => {
                let text = "Tệp cấu hình có lỗi; bộ cấu hình kết nối và danh sách đơn vị gọi đang dùng được giữ nguyên.";
                Self::from(refusal("config-wrong", 422, text)).and("report", fault.to_string().into())
            }
            ReloadFault::Files(_) => {
                refusal("adapters-unreadable", 422, "Không đọc được thư mục cấu hình kết nối; bộ đang dùng được giữ nguyên.")
                    .into()
            }
            ReloadFault::Base(_) => {
                let text = "Địa chỉ của một đối tác không được phép gọi; bộ đang dùng được giữ nguyên.";
                refusal("partner-address", 422, text).into()
            }
            ReloadFault::Left { .. } => {
                let text = "Bộ mới không còn một đối tác vẫn còn lượt chuyển chưa xong; bộ đang dùng được giữ nguyên.";
                refusal("partner-left", 409, text).into()
            }
            ReloadFault::Disk(_) => {
                tracing::error!(%fault, "adapters could not be renewed");
                let text = "Không ghi được bộ cấu hình kết nối mới xuống đĩa; bộ đang dùng được giữ nguyên.";
                Refusal::new("adapters-not-kept", 503, text, "The new adapters could not be put on disk; those in force stay.")
                    .into()
            }
        }
    }
}

/// A fault of a file as a place in a problem. What is wrong in a file is told in English, as `check` tells it.
fn place((folder, fault): (&str, &crate::catalogue::FileFault)) -> Fault {
    let hint = fault.hint.as_ref().map_or_else(String::new, |h| format!(" ({h})"));
    let text = format!("{}: {}{hint}", fault.check.code(), fault.text);
    Fault { pointer: format!("{folder}/{}:{}:{}", fault.file, fault.line, fault.column), text: text.clone(), text_en: text }
}
