//! Leptos, for the browser: all of it, but what `view!` makes is our own.

pub use leptos::*;

pub use crate::components::{Title, TitleProps};
pub use crate::foreign::{adopt, erase};
pub use crate::node::IntoView;

/// Views as data.
pub mod view {
    pub use crate::attribute::{IntoAttributeValue, IntoClass, IntoValue, Source, Value};
    pub use crate::element::El;
    pub use crate::node::{IntoNodes, IntoRender, IntoView, Node};
    pub use crate::shown::Shown;
}

/// See leptos's own.
pub mod prelude {
    pub use crate::attribute::IntoAttributeValue;
    pub use crate::components::{
        For, ForProps, Show, ShowProps, Suspense, SuspenseProps, Transition, TransitionProps,
    };
    pub use crate::memo::{Effect, Memo};
    pub use crate::node::{IntoRender, IntoView};
    pub use leptos::prelude::*;
}

/// See leptos's own.
pub mod children {
    pub use crate::lazy_children::ToChildren;
    pub use leptos::children::*;
}

/// See leptos's own.
pub mod tachys {
    pub use leptos::tachys::*;

    /// See leptos's own.
    pub mod html {
        pub use leptos::tachys::html::*;

        /// See leptos's own.
        pub mod element {
            pub use leptos::tachys::html::element::*;

            pub use crate::element::custom;

            crate::element::elements! {
                None;
                a abbr address area article aside audio b base bdi bdo blockquote body br button canvas caption cite code
                col colgroup data datalist dd del details dfn dialog div dl dt em embed fieldset figcaption figure footer
                form h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map
                mark menu meta meter nav noscript object ol optgroup option output p picture pre progress q rp rt ruby s
                samp script search section select slot small source span strong style sub summary sup table tbody td
                template textarea tfoot th thead time title tr track u ul var video wbr
            }
        }
    }

    /// See leptos's own.
    pub mod svg {
        pub use leptos::tachys::svg::*;

        crate::element::elements! {
            Some("http://www.w3.org/2000/svg");
            animate animateMotion animateTransform circle clipPath defs desc ellipse filter foreignObject g image line
            linearGradient marker mask metadata mpath path pattern polygon polyline radialGradient rect set stop svg switch
            symbol text textPath tspan view
        }
    }
}
