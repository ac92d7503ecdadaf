//! What a JSON Schema refuses, said in Vietnamese and English, keyword by keyword. Never a value that is not public; names of fields
//! only when they look like names.

use super::validate::SchemaFault;
use crate::mapping::{Both, Found};
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use serde_json::Value;

/// An error of the validator in our words.
pub(super) fn told(error: &ValidationError<'_>, pointer: &str, public: bool) -> SchemaFault {
    let value: &Value = error.instance();
    let mut found = found(value, public);
    let mut pointer = pointer.to_owned();
    let both = match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            pointer.push('/');
            pointer.push_str(name);
            found = Found::Unsaid;
            required(name)
        }
        ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            found = Found::Unsaid;
            let names: Vec<String> = unexpected.iter().map(|n| name(n)).collect();
            let names = names.join(", ");
            Both::new(format!("trường không có trong đặc tả: {names}"), format!("unknown fields: {names}"))
        }
        ValidationErrorKind::Type { kind } => {
            let kinds = types(kind);
            Both::new(
                format!("sai kiểu giá trị; cần {}", kinds.iter().map(|k| k.0).collect::<Vec<_>>().join(" hoặc ")),
                format!("wrong type of value; expected {}", kinds.iter().map(|k| k.1).collect::<Vec<_>>().join(" or ")),
            )
        }
        ValidationErrorKind::Enum { options } => {
            let words =
                options.as_array().map(|o| o.iter().take(12).map(plain).collect::<Vec<_>>().join(", ")).unwrap_or_default();
            Both::new(format!("không có trong danh mục; được dùng: {words}"), format!("not in the list; allowed: {words}"))
        }
        ValidationErrorKind::Constant { expected_value } => {
            let word = plain(expected_value);
            Both::new(format!("phải là {word}"), format!("must be {word}"))
        }
        ValidationErrorKind::Pattern { pattern } => {
            let pattern = if pattern.len() <= 120 { format!(" ({pattern})") } else { String::new() };
            Both::new(format!("không đúng mẫu quy định{pattern}"), format!("not of the prescribed form{pattern}"))
        }
        ValidationErrorKind::Format { format } => format_words(format),
        kind => bounds(kind),
    };
    fault(&pointer, error.kind().keyword(), both, &found)
}

/// A fault with what was found.
pub(super) fn fault(pointer: &str, keyword: &str, both: Both, found: &Found) -> SchemaFault {
    let (vi, en) = (found.vi(), found.en());
    let with = |text: String, word: &str, found: String| if found.is_empty() { text } else { format!("{text}; {word} {found}") };
    SchemaFault {
        pointer: pointer.to_owned(),
        keyword: keyword.to_owned(),
        text_vi: with(both.vi, "nhận được", vi),
        text_en: with(both.en, "found", en),
    }
}

pub(super) fn required(name: &str) -> Both {
    Both::new(format!("thiếu trường bắt buộc “{name}”"), format!("the required field \"{name}\" is missing"))
}

pub(super) fn no_form() -> Both {
    Both::new("không có mẫu tờ khai cho thủ tục này vào ngày nộp", "there is no form for this procedure on the day of submission")
}

fn bounds(kind: &ValidationErrorKind) -> Both {
    use ValidationErrorKind as K;
    match kind {
        K::MinLength { limit } => {
            Both::new(format!("quá ngắn, ít nhất {limit} ký tự"), format!("too short, at least {limit} characters"))
        }
        K::MaxLength { limit } => {
            Both::new(format!("quá dài, nhiều nhất {limit} ký tự"), format!("too long, at most {limit} characters"))
        }
        K::Minimum { limit } => Both::new(format!("quá nhỏ, ít nhất {limit}"), format!("too small, at least {limit}")),
        K::Maximum { limit } => Both::new(format!("quá lớn, nhiều nhất {limit}"), format!("too large, at most {limit}")),
        K::ExclusiveMinimum { limit } => Both::new(format!("phải lớn hơn {limit}"), format!("must be more than {limit}")),
        K::ExclusiveMaximum { limit } => Both::new(format!("phải nhỏ hơn {limit}"), format!("must be less than {limit}")),
        K::MinItems { limit } => Both::new(format!("quá ít mục, ít nhất {limit}"), format!("too few items, at least {limit}")),
        K::MaxItems { limit } => {
            Both::new(format!("quá nhiều mục, nhiều nhất {limit}"), format!("too many items, at most {limit}"))
        }
        K::MinProperties { limit } => {
            Both::new(format!("quá ít trường, ít nhất {limit}"), format!("too few fields, at least {limit}"))
        }
        K::MaxProperties { limit } => {
            Both::new(format!("quá nhiều trường, nhiều nhất {limit}"), format!("too many fields, at most {limit}"))
        }
        K::UniqueItems => Both::new("có mục lặp lại", "items are repeated"),
        K::FalseSchema => Both::new("trường này không được có ở đây", "this field must not stand here"),
        other => {
            let keyword = other.keyword();
            Both::new(format!("không hợp lệ theo quy tắc “{keyword}”"), format!("refused by the rule \"{keyword}\""))
        }
    }
}

fn format_words(format: &str) -> Both {
    match format {
        "date-time" => Both::new("không phải ngày giờ hợp lệ", "not a valid date and time (RFC 3339)"),
        "date" => Both::new("không phải ngày hợp lệ", "not a valid date"),
        "decimal" => Both::new("không phải số thập phân hợp lệ", "not a decimal number"),
        "uri" => Both::new("không phải địa chỉ hợp lệ", "not a valid URI"),
        other => Both::new(format!("không đúng dạng {other}"), format!("not a valid {other}")),
    }
}

fn types(kind: &TypeKind) -> Vec<(&'static str, &'static str)> {
    let word = |t: jsonschema::JsonType| match t {
        jsonschema::JsonType::Array => ("danh sách", "a list"),
        jsonschema::JsonType::Boolean => ("đúng/sai", "true or false"),
        jsonschema::JsonType::Integer => ("số nguyên", "a whole number"),
        jsonschema::JsonType::Null => ("null", "null"),
        jsonschema::JsonType::Number => ("số", "a number"),
        jsonschema::JsonType::Object => ("đối tượng", "an object"),
        jsonschema::JsonType::String => ("văn bản", "text"),
    };
    match kind {
        TypeKind::Single(one) => vec![word(*one)],
        TypeKind::Multiple(set) => set.iter().map(word).collect(),
    }
}

fn found(value: &Value, public: bool) -> Found {
    match value {
        Value::Null => Found::Null,
        Value::Bool(_) => Found::Boolean,
        Value::Object(_) => Found::Object,
        Value::Array(_) => Found::Array,
        Value::String(text) if public => Found::Value(short(text).into()),
        Value::Number(number) if public => Found::Value(short(&number.to_string()).into()),
        Value::String(text) => Found::Text(text.chars().count()),
        Value::Number(number) => Found::Number(number.to_string().bytes().filter(u8::is_ascii_digit).count()),
    }
}

/// A field's name, when it looks like one; else its length.
fn name(text: &str) -> String {
    let plain = text.len() <= 40
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !text.bytes().all(|b| b.is_ascii_digit());
    if plain { format!("“{text}”") } else { format!("({})", text.chars().count()) }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn short(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}
