//! A small PDF of one page: what stands for a scanned paper or a decision in every simulator.
//!
//! Deterministic: the same lines give the same bytes. Carries ASCII only; other characters are left out of the page, which
//! matters to nobody who reads the file by its digest.

/// A PDF with these lines on one page, padded with a comment to at least `size` bytes.
#[must_use]
pub(super) fn pdf(lines: &[&str], size: usize) -> Vec<u8> {
    let mut text = String::from("BT /F1 12 Tf 14 TL 72 770 Td");
    for line in lines {
        let line: String = line.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').filter(|c| !"()\\".contains(*c)).collect();
        text.push_str(&format!(" ({line}) Tj T*"));
    }
    text.push_str(" ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut places = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", n + 1));
    }
    while file.len() < size {
        file.push_str("% trang giay thu nghiem, khong phai giay to that -------------------------------\n");
    }
    let start = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1));
    for place in &places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!("trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n", places.len() + 1));
    file.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_the_same_each_time_and_as_large_as_asked() {
        let one = pdf(&["Quyet dinh (so) 12"], 4000);
        assert_eq!(one, pdf(&["Quyet dinh (so) 12"], 4000));
        assert!(one.starts_with(b"%PDF-1.4") && one.ends_with(b"%%EOF\n") && (4000..5000).contains(&one.len()));
    }
}
