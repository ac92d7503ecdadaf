//! The data of a second payment platform: an older mobile-money contract, form-urlencoded. Invented; shipped nowhere. The tests of the
//! door let it be paid through, those of the wires prove its mappings as they prove the shipped ones.

use lienthong::catalogue::Files;

pub(crate) const PARTNER: &str = r#"
name  = "vidientu"
role  = "payment"
title = "Ví điện tử thử nghiệm"
class = "payment"

[values]
merchant_code = "GDDT-HN"

[transport]
base = "https://vi.vidu.example"

[credentials]
access = "secret:vidientu/access_code"
key    = "secret:vidientu/hash_key"

[seal.create]
kind     = "hmac"
over     = ["$access", "billcode", "merchant_code", "order_id", "trans_amount"]
between  = ""
digest   = "sha1"
encoding = "base64"
key      = "key"

[seal.notice]
like = "create"

[out.create]
message = "payment.request"
map     = "create"
post    = "/thanh-toan"
seal    = ["create"]
judge   = "create"
content = "link"
repeat  = "never"

[in.notice]
post     = "/ket-qua"
map      = "notice"
auth     = "network"
seal     = ["notice"]
dedupe   = ["*"]
decides  = true
max_body = "64KB"
reply    = { accepted = "taken", refused = "refused", broken = "refused" }

[judge.create]
rules = [{ http = "200", then = "done" }, { http = "429,503", then = "retry" }]
"#;

/// More of its data, where it gives money back.
pub(crate) const REFUNDS: &str = r#"
[seal.refund]
kind     = "hmac"
over     = ["$access", "merchant_code", "order_id", "refund_amount", "refund_id"]
between  = ""
digest   = "sha1"
encoding = "base64"
key      = "key"

[seal.refund-query]
kind     = "hmac"
over     = ["$access", "merchant_code", "refund_id"]
between  = ""
digest   = "sha1"
encoding = "base64"
key      = "key"

[out.refund]
message = "refund.request"
map     = "refund"
post    = "/hoan-tien"
seal    = ["refund"]
judge   = "create"
content = "refund-state"
repeat  = "ask"
ask     = "refund-query"

[out.refund-query]
message = "refund.query"
map     = "refund-query"
post    = "/tra-cuu-hoan-tien"
seal    = ["refund-query"]
judge   = "create"
content = "refund-state"
repeat  = "safe"
"#;

const MAPS: [(&str, &str); 6] = [
    ("create.map", CREATE),
    ("link.map", "message: payment.link\nformat: json\nunknown: report\nwithout: note\n\npay_url = url\n"),
    ("notice.map", NOTICE),
    (
        "taken.map",
        "message: receipt\nformat: form\nschema: vidientu/vi.json\nroot: DaNhan\nwithout: at, dossier, note, note_en, outcome, reason, reference, transaction, url\n\nerror_code = '00'\n",
    ),
    (
        "refused.map",
        "message: refusal\nformat: form\nschema: vidientu/vi.json\nroot: KhongNhan\nwithout: faults, reason, status, text_en\n\nerror_code = '01'\nerror_text = text\n",
    ),
    ("codes.toml", "[payment-state]\npaid = \"1\"\nfailed = \"0\"\nunclear = [\"2\", \"*\"]\n"),
];

const REFUND_CODES: &str = "\n[refund-state]\ndone = \"00\"\nsent = \"01\"\nrefused = \"02\"\nmissing = \"03\"\n";

const REFUND_MAPS: [(&str, &str); 3] = [
    ("refund.map", REFUND),
    (
        "refund-query.map",
        "message: refund.query\nformat: form\nschema: vidientu/vi.json\nroot: TraCuuHoanTien\nwithout: transaction\n\nmerchant_code = $partner.merchant_code\nrefund_id = refund\ncheck_sum = $seal\n",
    ),
    (
        "refund-state.map",
        "message: refund.state\nformat: json\nunknown: report\n\nrefund_id = refund\nrefund_status = state : code(refund-state)\nreference = reference ?\n",
    ),
];

const REFUND: &str = "\
message: refund.request
format:  form
schema:  vidientu/vi.json
root:    HoanTien
without: at, dossier, platform_transaction

merchant_code = $partner.merchant_code
order_id      = transaction
refund_id     = refund
refund_amount = amount
check_sum     = $seal
";

const CREATE: &str = "\
message: payment.request
format:  form
schema:  vidientu/vi.json
root:    ThanhToan
without: agency, beneficiary, device, extra_fee, fees, items, payer, procedure, procedure_name, purpose, service, service_name, treasury_account

billcode      = dossier
desc          = description
merchant_code = $partner.merchant_code
order_id      = transaction
return_url    = return_url
trans_amount  = amount
check_sum     = $seal
";

const NOTICE: &str = "\
message: payment.notice
format:  form
schema:  vidientu/vi.json
root:    KetQua
unknown: report
without: description, extra_fee, platform_fee, platform_transaction

billcode       = *
merchant_code  = $partner.merchant_code
order_id       = transaction
trans_amount   = amount
payment_status = state : ~code(payment-state)
check_sum      = $seal
";

/// Its forms, as objects of texts.
pub(crate) const SCHEMA: &str = r##"{ "$defs": {
  "sum": { "type": "string", "pattern": "^[0-9]+$", "maxLength": 16 },
  "seal": { "type": "string", "pattern": "^[A-Za-z0-9+/]{27}=$", "maxLength": 28 },
  "merchant": { "type": "string", "pattern": "^[^\\s\\u0000-\\u001f\\u007f\\ufffe\\uffff]+$", "minLength": 1, "maxLength": 64 },
  "order": { "type": "string", "pattern": "^[A-Za-z0-9.-]{1,20}$", "maxLength": 20 },
  "line": { "type": "string", "pattern": "^[^\\u0000-\\u001f\\u007f\\ufffe\\uffff]+$", "minLength": 1, "maxLength": 500 },
  "text": { "type": "string", "pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f\\ufffe\\uffff]+$", "minLength": 1, "maxLength": 4000 },
  "ThanhToan": { "type": "object", "additionalProperties": false,
    "required": ["billcode", "desc", "merchant_code", "order_id", "return_url", "trans_amount", "check_sum"],
    "properties": { "billcode": { "type": "string", "pattern": "^[GH][0-9]{2}(\\.[0-9]{2,3}){0,4}-[0-9]{8}-[0-9]{7}$|^[0-9]{3}\\.[0-9]{2}\\.[0-9]{2}\\.[A-Z][0-9]{2}-[0-9]{6}-[0-9]{4}$" },
      "desc": { "type": "string", "pattern": "^[^\\u0000-\\u001f\\u007f\\ufffe\\uffff]+$", "minLength": 1, "maxLength": 500 },
      "merchant_code": { "$ref": "#/$defs/merchant" }, "order_id": { "$ref": "#/$defs/order" },
      "return_url": { "type": "string", "pattern": "^https?://[^\\s\\u0000-\\u001f\\u007f\\ufffe\\uffff]+$", "minLength": 10, "maxLength": 2000 },
      "trans_amount": { "$ref": "#/$defs/sum" }, "check_sum": { "$ref": "#/$defs/seal" } } },
  "KetQua": { "type": "object", "required": ["merchant_code", "order_id", "trans_amount", "payment_status", "check_sum"],
    "properties": { "billcode": { "$ref": "#/$defs/line" }, "merchant_code": { "$ref": "#/$defs/merchant" },
      "order_id": { "$ref": "#/$defs/order" }, "trans_amount": { "$ref": "#/$defs/sum" },
      "payment_status": { "type": "string", "pattern": "^[0-9A-Z]{1,2}$", "maxLength": 2 }, "check_sum": { "$ref": "#/$defs/line" } } },
  "DaNhan": { "type": "object", "additionalProperties": false, "required": ["error_code"], "properties": { "error_code": { "const": "00" } } },
  "KhongNhan": { "type": "object", "additionalProperties": false, "required": ["error_code", "error_text"],
    "properties": { "error_code": { "const": "01" }, "error_text": { "$ref": "#/$defs/text" } } },
  "HoanTien": { "type": "object", "additionalProperties": false,
    "required": ["merchant_code", "order_id", "refund_id", "refund_amount", "check_sum"],
    "properties": { "merchant_code": { "$ref": "#/$defs/merchant" }, "order_id": { "$ref": "#/$defs/order" },
      "refund_id": { "$ref": "#/$defs/merchant" }, "refund_amount": { "$ref": "#/$defs/sum" }, "check_sum": { "$ref": "#/$defs/seal" } } },
  "TraCuuHoanTien": { "type": "object", "additionalProperties": false, "required": ["merchant_code", "refund_id", "check_sum"],
    "properties": { "merchant_code": { "$ref": "#/$defs/merchant" }, "refund_id": { "$ref": "#/$defs/merchant" },
      "check_sum": { "$ref": "#/$defs/seal" } } } } }"##;

/// The shipped adapters with this payment platform in the place of theirs.
pub(crate) fn files() -> Files {
    let embedded = Files::embedded();
    let mut files = Files::default();
    for folder in ["schemas/", "adapters/hanoi/", "adapters/moet/"] {
        for (path, text) in embedded.under(folder) {
            files = files.with(format!("{folder}{path}"), text);
        }
    }
    files = files.with("adapters/vidientu/partner.toml", PARTNER).with("schemas/vidientu/vi.json", SCHEMA);
    MAPS.into_iter().fold(files, |files, (name, text)| files.with(format!("adapters/vidientu/{name}"), text))
}

/// The same platform, which also gives money back.
pub(crate) fn refunding() -> Files {
    let codes = MAPS[5].1.to_owned() + REFUND_CODES;
    let files = files().with("adapters/vidientu/partner.toml", PARTNER.to_owned() + REFUNDS);
    let files = files.with("adapters/vidientu/codes.toml", codes);
    REFUND_MAPS.into_iter().fold(files, |files, (name, text)| files.with(format!("adapters/vidientu/{name}"), text))
}
