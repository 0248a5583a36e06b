//! The demo application's pages.

use std::fmt::Write as _;

use super::NAME;

/// How many items the catalogue has: enough for many screens.
const ITEMS: usize = 300;

const PRODUCTS: [(&str, &str); 3] = [
    ("Difference engine", "17,470"),
    ("Punched cards", "12"),
    ("Analytical engine", "n/a"),
];

/// The login form.
pub fn login(refused: bool) -> String {
    let refusal = if refused {
        "<p role=\"alert\">Wrong user or password.</p>"
    } else {
        ""
    };
    let body = format!(
        r#"<h1>Log in</h1>{refusal}
<form method="post" action="/login">
<p><label>User <input name="user" autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>
<p><button type="submit">Log in</button></p>
</form>"#
    );
    page("Log in", &body, "")
}

/// The page between login and shop, which stores the token.
pub fn welcome(token: &str) -> String {
    let script = format!("localStorage.setItem('token', '{token}'); location.replace('/shop');");
    page("Welcome", "<p>One moment.</p>", &script)
}

/// The shop.
pub fn shop() -> String {
    let mut rows = String::new();
    for (name, price) in PRODUCTS {
        // Writing to a String can't fail.
        let _ok = write!(
            rows,
            r#"<li>{name}, £ {price} <button data-item="{name}" aria-label="Add {name} to cart">Add</button></li>"#
        );
    }
    let body = format!(
        r#"<h1>Shop</h1>{HEADER}<ul>{rows}</ul>
<p><label>Gift note <input id="note" name="note"></label></p>"#
    );
    page("Shop", &body, SHOP)
}

/// The cart.
pub fn cart() -> String {
    let body = format!(r#"<h1>Cart</h1>{HEADER}<ol id="lines"></ol>"#);
    page("Cart", &body, CART)
}

/// The long page.
pub fn catalogue() -> String {
    let mut body = format!("<h1>Catalogue</h1>{HEADER}<ol>");
    for number in 1..=ITEMS {
        let _ok = write!(
            body,
            r#"<li style="height:40px" id="item-{number}">Item {number}</li>"#
        );
    }
    body.push_str("</ol>");
    page("Catalogue", &body, ACCOUNT)
}

/// A plain protected page.
pub fn orders() -> String {
    page(
        "Orders",
        &format!("<h1>Orders</h1>{HEADER}<p>No orders yet.</p>"),
        ACCOUNT,
    )
}

const HEADER: &str = r#"<p id="account">Who are you?</p><p id="count">Cart: 0 items</p>
<nav><a href="/shop">Shop</a> <a href="/cart">Cart</a> <a href="/orders">Orders</a>
<a href="/catalogue" target="_blank">Open the catalogue</a></nav>"#;

/// Greets by what the server says to the cookie and the stored token together.
const ACCOUNT: &str = r"
const cart = () => JSON.parse(sessionStorage.getItem('cart') || '[]');
const count = () => { document.getElementById('count').textContent = `Cart: ${cart().length} items`; };
count();
fetch('/api/account', { headers: { Authorization: `Bearer ${localStorage.getItem('token')}` } })
  .then((answer) => answer.json())
  .then((who) => {
    document.getElementById('account').textContent =
      who.token ? `Hello, ${who.name}. Your token is good.` : `Hello, ${who.name}. Your token is missing.`;
  });
";

const SHOP: &str = r"ACCOUNT
for (const button of document.querySelectorAll('button[data-item]')) {
  button.addEventListener('click', () => {
    sessionStorage.setItem('cart', JSON.stringify([...cart(), button.dataset.item]));
    count();
  });
}
";

const CART: &str = r"ACCOUNT
for (const item of cart()) {
  const line = document.createElement('li');
  line.textContent = item;
  document.getElementById('lines').append(line);
}
";

fn page(title: &str, body: &str, script: &str) -> String {
    let script = script.replacen("ACCOUNT", ACCOUNT, 1);
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} – {NAME}'s demo</title></head>
<body>{body}<script>{script}</script></body></html>"#
    )
}
