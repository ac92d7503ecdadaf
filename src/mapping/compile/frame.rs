//! A frame under construction: its wire nodes, and where a line stands in it.

use crate::mapping::plan::{Compiled, Fork, Key, Node, NodeId};
use crate::mapping::shapes::ShapeId;
use crate::mapping::source::Span;
use std::collections::HashMap;
use std::sync::Arc;

/// An expanded wire name as it will be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct WireName {
    pub(super) ns: String,
    pub(super) local: String,
    pub(super) qname: String,
}

/// A frame being built.
pub(super) struct Frame {
    pub(super) nodes: Vec<Node>,
    pub(super) forks: Vec<Fork>,
    pub(super) scalar: bool,
    pub(super) shape: ShapeId,
    /// Where the frame stands in the message, dotted (for `without`).
    pub(super) prefix: String,
    /// Which branches already mapped a node.
    pub(super) used: HashMap<NodeId, Vec<Vec<(usize, usize)>>>,
    /// Whether this is the message's own frame.
    pub(super) is_root: bool,
    /// Its list lines: several of one canonical list are a join.
    pub(super) lists: Vec<Listed>,
}

/// A list line of a frame.
#[derive(Clone)]
pub(super) struct Listed {
    /// It stands in a document inside (its node too).
    pub(super) doc: Option<Arc<Compiled>>,
    pub(super) node: NodeId,
    /// The canonical list, from the frame's object, and what it is called.
    pub(super) to: Vec<String>,
    pub(super) list: ShapeId,
    pub(super) name: String,
    /// Flattened: the list in each of its elements.
    pub(super) inner: Option<(Vec<String>, ShapeId)>,
    /// Lists in its rows, from a row's object.
    pub(super) nested: Vec<Vec<String>>,
    pub(super) branch: Vec<(usize, usize)>,
    pub(super) optional: bool,
    pub(super) at: Span,
}

/// Where a line stands: wire node and canonical object.
#[derive(Clone)]
pub(super) struct At {
    pub(super) node: NodeId,
    /// Words from the frame's canonical object.
    pub(super) path: Vec<String>,
    pub(super) shape: ShapeId,
}

// === impl Frame ===

impl Frame {
    pub(super) fn new(name: WireName, shape: ShapeId, prefix: String, path: String) -> Self {
        let root =
            Node { ns: name.ns.into(), local: name.local.into(), qname: name.qname.into(), path: path.into(), ..Node::default() };
        Self {
            nodes: vec![root],
            forks: Vec::new(),
            scalar: false,
            shape,
            prefix,
            used: HashMap::new(),
            is_root: false,
            lists: Vec::new(),
        }
    }

    /// The child of that name and key, made when it is not there.
    pub(super) fn child(&mut self, parent: NodeId, name: &WireName, attribute: bool, key: Option<Key>) -> NodeId {
        let same =
            |node: &Node| node.attribute == attribute && *node.ns == *name.ns && *node.local == *name.local && node.key == key;
        let Some(own) = self.nodes.get(parent) else { return 0 };
        let among = if attribute { &own.attributes } else { &own.children };
        if let Some(id) = among.iter().find(|id| self.nodes.get(**id).is_some_and(same)) {
            return *id;
        }
        let id = self.nodes.len();
        let alike = |node: &Node| !attribute && *node.ns == *name.ns && *node.local == *name.local;
        let twins: Vec<NodeId> = among.iter().copied().filter(|id| self.nodes.get(*id).is_some_and(alike)).collect();
        let mark = if attribute { "@" } else { "" };
        let chosen = key.as_ref().filter(|k| k.item).map_or(String::new(), |k| format!("[{}={}]", k.local, k.lit));
        let path = format!("{}/{mark}{}{chosen}", own.path, escape(&name.local));
        let root_level = self.is_root && parent == 0;
        let node = Node {
            ns: name.ns.as_str().into(),
            local: name.local.as_str().into(),
            qname: name.qname.as_str().into(),
            attribute,
            parent,
            alike: key.is_some() || !twins.is_empty(),
            key,
            path: path.into(),
            root_level,
            ..Node::default()
        };
        self.nodes.push(node);
        twins.into_iter().for_each(|twin| self.edit(twin, |node| node.alike = true));
        if let Some(own) = self.nodes.get_mut(parent) {
            if attribute {
                own.attributes.push(id);
            } else {
                own.children.push(id);
                own.object = true;
            }
        }
        id
    }

    /// The child or attribute of that name, if there is one.
    pub(super) fn child_of(&self, parent: NodeId, name: &WireName, attribute: bool) -> Option<NodeId> {
        let own = self.nodes.get(parent)?;
        let among = if attribute { &own.attributes } else { &own.children };
        let is = |id: &&NodeId| self.nodes.get(**id).is_some_and(|n| *n.local == *name.local && *n.ns == *name.ns);
        among.iter().find(is).copied()
    }

    pub(super) fn edit(&mut self, id: NodeId, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.get_mut(id) {
            change(node);
        }
    }

    /// Notes that a line maps the node; false when another line of the same branch does already.
    pub(super) fn claim(&mut self, id: NodeId, branch: &[(usize, usize)]) -> bool {
        let claims = self.used.entry(id).or_default();
        let free = claims.iter().all(|other| apart(other, branch));
        claims.push(branch.to_vec());
        free
    }
}

/// Whether two places stand in different branches of one `when`.
pub(super) fn apart(one: &[(usize, usize)], other: &[(usize, usize)]) -> bool {
    one.iter().any(|(g, b)| other.iter().any(|(g2, b2)| g == g2 && b != b2))
}

fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

// === impl At ===

impl At {
    pub(super) fn root(shape: ShapeId) -> Self {
        Self { node: 0, path: Vec::new(), shape }
    }
}
