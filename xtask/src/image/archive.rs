//! The image as an archive of the Open Container Initiative: written where no builder may, and unpacked.
//!
//! The layout is that of the OCI image specification 1.0: `index.json` names a manifest, which names
//! a configuration and layers, each a file under `blobs/sha256` that is called by its digest.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::FinalStage;

/// Writes the archive of a stage that copies `image/` and `data/` of the context.
pub(super) fn write(context: &Path, stage: &FinalStage, archive: &Path) -> Result<()> {
    let oci = context.with_file_name("oci");
    let blobs = oci.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let user = stage.all("USER").next().context("the stage names no user")?;
    let layer = context.with_file_name("layer.tar");
    let plain = ["--sort=name", "--mtime=@0", "--numeric-owner"];
    let tar = |more: &[&str], from: &Path, what: &str| {
        let mut command = Command::new("tar");
        command.args(plain).args(more).arg("-f").arg(&layer).arg("-C").arg(from).arg(what);
        succeed(&mut command)
    };
    tar(&["--create", "--owner=0", "--group=0"], &context.join("image"), ".")?;
    let (uid, gid) = user.split_once(':').context("the user is not `USER:GROUP`")?;
    let owner = [format!("--owner={uid}"), format!("--group={gid}")];
    tar(&["--append", &owner[0], &owner[1]], context, "data")?;
    let diff = digest(&layer)?;
    succeed(Command::new("gzip").args(["-n", "-9"]).arg(&layer))?;
    let layer = blob(&blobs, &fs::read(layer.with_extension("tar.gz"))?, context)?;
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": settings(stage)?,
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff}")]},
    });
    let config = blob(&blobs, config.to_string().as_bytes(), context)?;
    let named = |kind: &str, (digest, size): &(String, usize)| {
        let kind = format!("application/vnd.oci.image.{kind}");
        json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": size})
    };
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": named("config.v1+json", &config),
        "layers": [named("layer.v1.tar+gzip", &layer)],
    });
    let manifest = blob(&blobs, manifest.to_string().as_bytes(), context)?;
    let mut entry = named("manifest.v1+json", &manifest);
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "div"});
    let index = json!({"schemaVersion": 2, "manifests": [entry]});
    fs::write(oci.join("index.json"), index.to_string())?;
    fs::write(oci.join("oci-layout"), json!({"imageLayoutVersion": "1.0.0"}).to_string())?;
    let mut command = Command::new("tar");
    succeed(command.args(plain).arg("--create").arg("-f").arg(archive).arg("-C").arg(&oci).arg("."))
}

/// The instructions of the stage as an image's configuration has them.
fn settings(stage: &FinalStage) -> Result<Value> {
    let one = |name| stage.all(name).next();
    let pairs = |text: &str| -> Vec<(String, String)> {
        let pairs = text.split("\" ").filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned())).collect()
    };
    let env: Vec<_> = stage.all("ENV").flat_map(pairs).map(|(k, v)| format!("{k}={v}")).collect();
    let labels: serde_json::Map<_, _> =
        stage.all("LABEL").flat_map(pairs).map(|(key, value)| (key, value.into())).collect();
    let ports: serde_json::Map<_, _> = stage
        .all("EXPOSE")
        .flat_map(str::split_whitespace)
        .map(|port| (format!("{port}/tcp"), json!({})))
        .collect();
    let command: Value = serde_json::from_str(one("CMD").context("the stage has no command")?)?;
    Ok(json!({
        "User": one("USER"), "Env": env, "Labels": labels, "ExposedPorts": ports, "Cmd": command,
        "WorkingDir": one("WORKDIR"), "StopSignal": one("STOPSIGNAL"),
        "Volumes": one("VOLUME").map(|path| json!({ path: {} })),
    }))
}

/// Stores a blob under its digest, and tells digest and size.
fn blob(blobs: &Path, content: &[u8], scratch: &Path) -> Result<(String, usize)> {
    let file = scratch.with_file_name("blob");
    fs::write(&file, content)?;
    let digest = digest(&file)?;
    fs::rename(&file, blobs.join(&digest))?;
    Ok((digest, content.len()))
}

fn digest(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(file).output().context("running sha256sum")?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.split_whitespace().next().context("sha256sum said nothing")?.to_owned())
}

fn succeed(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(())
}

/// Unpacks all layers of an archive into an empty root, as an engine would.
pub(super) fn unpack(archive: &Path, root: &Path) -> Result<()> {
    let oci = root.with_file_name("unpacked");
    for dir in [root, &oci] {
        fs::create_dir_all(dir)?;
    }
    succeed(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(&oci))?;
    let read = |path: &Path| -> Result<Value> { Ok(serde_json::from_slice(&fs::read(path)?)?) };
    let blob = |entry: &Value| {
        let digest = entry["digest"].as_str().and_then(|it| it.strip_prefix("sha256:"));
        digest.map(|digest| oci.join("blobs/sha256").join(digest)).context("a blob has no digest")
    };
    let index = read(&oci.join("index.json"))?;
    let manifest = read(&blob(&index["manifests"][0])?)?;
    let layers = manifest["layers"].as_array().context("the image has no layers")?;
    for layer in layers {
        let mut command = Command::new("tar");
        command.args(["--numeric-owner", "-xpf"]).arg(blob(layer)?).arg("-C").arg(root);
        succeed(&mut command)?;
    }
    Ok(())
}
