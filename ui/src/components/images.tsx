// Pictures: those of a message, from the file or from the server, and those about to be sent.

import { X } from "lucide-preact";
import { useEffect, useState } from "preact/hooks";
import { readImage } from "../api/routes";
import { t } from "../i18n/texts";
import { detach, files } from "../state/composer";

/** The address of a picture in this browser; "" until there is one, null where there is none. */
function useBlob(source: File | string): string | null {
  const [address, setAddress] = useState<string | null>("");
  useEffect(() => {
    let made = "";
    let gone = false;
    const reading = typeof source === "string" ? readImage(source) : Promise.resolve(source);
    reading.then(
      (blob) => gone || setAddress((made = URL.createObjectURL(blob))),
      () => gone || setAddress(null),
    );
    return () => {
      gone = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [source]);
  return address;
}

function Picture({ source, alt }: { source: File | string; alt: string }) {
  const address = useBlob(source);
  if (address === null) return <span class="picture missing">{t("image.missing")}</span>;
  if (!address) return <span class="picture" />;
  return <a href={address} target="_blank" rel="noopener"><img class="picture" src={address} alt={alt} /></a>;
}

export function MessagePictures({ sources }: { sources: (File | string)[] }) {
  if (!sources.length) return null;
  return (
    <div class="pictures">
      {sources.map((source, at) => <Picture key={at} source={source} alt={t("image.alt", { number: at + 1 })} />)}
    </div>
  );
}

export function Attachments() {
  if (!files.value.length) return null;
  return (
    <ul class="attachments">
      {files.value.map((file) => <Attachment key={`${file.name}${file.lastModified}${file.size}`} file={file} />)}
    </ul>
  );
}

function Attachment({ file }: { file: File }) {
  const address = useBlob(file);
  const words = t("image.remove", { name: file.name });
  return (
    <li>
      {address && <img src={address} alt={file.name} />}
      <button type="button" class="icon" onClick={() => detach(file)} aria-label={words} title={words}>
        <X size={14} aria-hidden />
      </button>
    </li>
  );
}
