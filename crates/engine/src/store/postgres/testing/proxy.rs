//! A way to a server that can be cut, or lead nowhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What becomes of what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// It arrives.
    Open,
    /// Every connection is closed, and each new one as soon as it is made.
    Cut,
    /// Connections stay, and nothing passes, on both sides. Those that are made now or were there stay silent for ever,
    /// also when the way is open again: as if a firewall had forgotten them.
    Hole,
    /// As [`Way::Hole`] for the connections that listen; all others are open.
    Deaf,
    /// It arrives, and so do the answers, but for those to commits: the connection is closed in their place.
    Unheard,
}

/// A listener on loopback that passes on to a server. What is open when it is dropped is closed.
pub(crate) struct Proxy {
    address: SocketAddr,
    way: watch::Sender<Way>,
    /// How many commits were made and their answers kept back.
    unheard: Arc<watch::Sender<usize>>,
    _all: JoinSet<()>,
}

impl Proxy {
    /// To the server at this address.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (way, ways) = watch::channel(Way::Open);
        let unheard = Arc::new(watch::Sender::new(0));
        let many = Arc::clone(&unheard);
        let mut all = JoinSet::new();
        all.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (near, _) = listener.accept().await.expect("a client");
                connections.spawn(connection(near, server.clone(), ways.clone(), Arc::clone(&many)));
            }
        });
        Self { address, way, unheard, _all: all }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Waits until so many more commits were made of which nobody heard.
    pub(crate) async fn unheard(&self, more: usize) {
        let mut many = self.unheard.subscribe();
        let so_far = *many.borrow_and_update();
        many.wait_for(|many| *many >= so_far + more).await.expect("the proxy is there");
    }
}

async fn connection(
    near: TcpStream,
    server: String,
    mut ways: watch::Receiver<Way>,
    unheard: Arc<watch::Sender<usize>>,
) {
    let way = *ways.borrow_and_update();
    match way {
        Way::Cut => return,
        Way::Hole => return std::future::pending().await,
        Way::Open | Way::Deaf | Way::Unheard => {}
    }
    let looks = ways.clone();
    let Ok(far) = TcpStream::connect(server).await else { return };
    let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
    let (listens, mut is_listener) = watch::channel(false);
    let commits = AtomicBool::new(false);
    let pass = async {
        let there = pass(from_near, to_far, |bytes| {
            let says = |text: &[u8]| bytes.windows(text.len()).any(|word| word == text);
            if says(b"LISTEN") {
                listens.send_replace(true);
            }
            commits.store(says(b"COMMIT"), Ordering::Release);
            true
        });
        let back = pass(from_far, to_near, |_| {
            let keeps = commits.load(Ordering::Acquire) && *looks.borrow() == Way::Unheard;
            if keeps {
                unheard.send_modify(|many| *many += 1);
            }
            !keeps
        });
        // What one side closes, the other need not wait for.
        tokio::select! {
            () = there => {}
            () = back => {}
        }
    };
    tokio::pin!(pass);
    loop {
        // Which way it goes is looked at before anything passes.
        tokio::select! {
            biased;
            changed = ways.changed() => if changed.is_err() { return },
            _ = is_listener.changed() => {}
            _ = &mut pass => return,
        }
        let way = *ways.borrow_and_update();
        let silent = way == Way::Hole || way == Way::Deaf && *is_listener.borrow_and_update();
        if way == Way::Cut {
            return;
        }
        if silent {
            // Both ends are held, and nobody reads.
            return std::future::pending().await;
        }
    }
}

/// Passes on what `see` lets through; ends when it does not.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, see: impl Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(many @ 1..) = from.read(&mut bytes).await else { return drop(to.shutdown().await) };
        if !see(&bytes[..many]) || to.write_all(&bytes[..many]).await.is_err() {
            return;
        }
    }
}
