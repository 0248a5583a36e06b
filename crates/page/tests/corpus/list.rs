//! The pages of the corpus: those of packages, and our own.

use std::path::{Path, PathBuf};

/// A page, and the folder that its site is served from.
pub struct Listed {
    pub folder: PathBuf,
    pub path: String,
    /// What it is called in what the test tells.
    pub name: String,
}

/// Returns every page: ours first, then those that `tests/clients/pages.txt` names.
pub fn pages() -> Vec<Listed> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = own(&crate_folder.join("tests/corpus/pages"));
    let list = crate_folder.join("../../tests/clients/pages.txt");
    let list = std::fs::read_to_string(list).unwrap();
    let installed = installed();
    let mut package = None;
    for line in list.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["package", name, version, _] => package = Some(format!("{name}-{version}")),
            ["page", path] => {
                let package = package.as_ref().unwrap();
                let folder = installed.join(package);
                assert!(
                    folder.join(path).is_file(),
                    "run `make clients` first: {path} of {package} isn't in {}",
                    installed.display()
                );
                pages.push(Listed {
                    folder,
                    path: format!("/{path}"),
                    name: format!("{package}/{path}"),
                });
            }
            _ => assert!(line.is_empty() || line.starts_with('#'), "{line:?}"),
        }
    }
    pages
}

fn own(folder: &Path) -> Vec<Listed> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("in-"))
        .collect();
    names.sort_unstable();
    let page = |name: String| Listed {
        folder: folder.to_owned(),
        path: format!("/{name}"),
        name: format!("own/{name}"),
    };
    names.into_iter().map(page).collect()
}

/// Returns where `make clients` has put the packages.
fn installed() -> PathBuf {
    let clients = std::env::var_os("BROWSERD_TEST_CLIENTS").map(PathBuf::from);
    let beside = || {
        // The test's program is in `<target>/<profile>/deps`.
        let program = std::env::current_exe().ok()?;
        Some(program.ancestors().nth(3)?.join("clients"))
    };
    clients.or_else(beside).unwrap().join("pages")
}
