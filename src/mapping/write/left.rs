//! What a `when` would leave out of a message: values that only a branch carries which does not hold. Pure.

use super::get;
use crate::body::{Text, Value};
use crate::mapping::convert::Chain;
use crate::mapping::plan::{Act, Branch, Piece, Plan, Rule, To};

/// The first canonical place with a value that only other branches carry than the one that holds; an empty list is no value.
pub(super) fn out<'p>(plan: &Plan, holding: Option<&Branch>, branches: &'p [Branch], body: &Value) -> Option<&'p [Text]> {
    let holds = |b: &Branch| holding.is_some_and(|h| std::ptr::eq(h, b));
    let mut lost: Vec<&[Text]> = Vec::new();
    for branch in branches.iter().filter(|b| !holds(b)) {
        targets(&branch.rules, &|_| false, None, &mut |path| {
            if get(body, path).is_some_and(|v| !v.as_array().is_some_and(Vec::is_empty)) {
                lost.push(path);
            }
        });
    }
    if lost.is_empty() {
        return None;
    }
    // The value may stand in the branch that holds, or outside of all.
    let mut kept: Vec<&[Text]> = Vec::new();
    let is_this = |rule: &Rule| matches!(&rule.what, Act::When { branches: own, .. } if std::ptr::eq(&**own, branches));
    targets(&plan.rules, &is_this, Some(body), &mut |path| kept.push(path));
    holding.iter().for_each(|b| targets(&b.rules, &|_| false, Some(body), &mut |path| kept.push(path)));
    lost.into_iter().find(|path| !kept.contains(path))
}

/// The first place that all messages of a batch share on the wire and do not say alike.
pub(super) fn differs<'p>(root: &'p Plan, bodies: &[&Value]) -> Option<&'p [Text]> {
    let (first, others) = bodies.split_first().filter(|(_, others)| !others.is_empty())?;
    let mut shared = Vec::new();
    targets(&root.rules, &|_| false, None, &mut |path| shared.push(path));
    shared.into_iter().find(|path| others.iter().any(|other| get(other, path) != get(first, path)))
}

/// The canonical places, in their frame, that lines carry; `but` says which rule to pass over. With a body only what is written of it.
pub(super) fn targets<'p>(
    rules: &'p [Rule],
    but: &dyn Fn(&Rule) -> bool,
    body: Option<&Value>,
    take: &mut dyn FnMut(&'p [Text]),
) {
    let there = |path: &[Text]| body.is_none_or(|body| get(body, path).is_some());
    for rule in rules.iter().filter(|rule| !but(rule)) {
        match &rule.what {
            // A line with `~` that gives nothing back carries nothing.
            Act::Value { to: To::Own(path), alts } if alts.iter().any(Chain::gives) => take(path),
            Act::List { to: path } => take(path),
            Act::Template { pieces }
                if pieces.iter().all(|p| !matches!(p, Piece::Hole { to: To::Own(path), .. } if !there(path))) =>
            {
                pieces.iter().for_each(|piece| {
                    if let Piece::Hole { to: To::Own(path), chain, .. } = piece
                        && chain.gives()
                    {
                        take(path);
                    }
                })
            }
            Act::Scope { at, rules, .. } if at.as_ref().is_none_or(|at| there(at)) => targets(rules, but, body, take),
            Act::When { on, branches, .. } => {
                let word = body.map(|body| get(body, on).and_then(Value::as_str).unwrap_or_default());
                let holds = |b: &&Branch| word.is_none_or(|word| b.words.iter().any(|own| own == word));
                branches.iter().filter(holds).for_each(|b| targets(&b.rules, but, body, take));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::body::json;
    use crate::mapping::laws::shapes;
    use crate::mapping::{Book, Context, NoContents, Source, WriteFaultKind};

    #[test]
    fn what_only_another_branch_carries_is_refused_wherever_the_when_stands() {
        let head = "message: note\nformat: json\nwithout: count, day, done, form, grade_a, grade_b, home, mark, person, procedure, rows, submitted_at, tags";
        let nested = format!(
            "{head}, kind, title\n\nC = code\nP = paper ?\n    when kind = red\n        R = number ?\n        S = 's'\n    when kind = blue\n        B = 'x'\n"
        );
        let beside =
            format!("{head}, paper\n\nC = code\nwhen kind = one\n    T = title ?\n    Y = 'y'\nwhen kind = two\n    X = 'x'\n");
        let source = Source::new("p").with("nested.map", nested).with("beside.map", beside);
        let book = Book::compile(&source, &shapes()).unwrap_or_else(|f| panic!("{f:?}"));
        let write = |map: &str, body: &crate::body::Value| {
            let written = book.map(map).unwrap().write(body, &Context::new(), &NoContents, None);
            written.map(|_| ()).map_err(|f| (f.kind, f.pointer))
        };
        let lost = |place: &str| Err((WriteFaultKind::Branch, place.to_owned()));
        assert_eq!(write("nested", &json!({ "code": "c", "paper": { "kind": "red", "number": "9" } })), Ok(()));
        assert_eq!(write("nested", &json!({ "code": "c", "paper": { "kind": "blue" } })), Ok(()));
        assert_eq!(write("nested", &json!({ "code": "c", "paper": { "kind": "blue", "number": "9" } })), lost("/paper/number"));
        assert_eq!(write("beside", &json!({ "code": "c", "kind": "one", "title": "t" })), Ok(()));
        assert_eq!(write("beside", &json!({ "code": "c", "kind": "two", "title": "t" })), lost("/title"));
    }
}
