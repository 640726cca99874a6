// Enrols a certificate: its key, opened here or on its card, signs the sentence that the server gives, which is the proof.
import { Signer, exchange } from "./signer.js";

class EnrolSigner extends Signer {
  step() {}

  // The words of a key that fails are about a signature: here nothing is enrolled.
  say(title, text, tone) {
    const about = (words) => words?.replace("Rien n’a été signé", "Rien n’a été inscrit");
    super.say(about(title), about(text), tone);
  }

  // A name that was read proves nothing yet, and whose it is is not for this page to say: never in green.
  holder([name, text]) {
    super.holder([name, text.replace("à la signature", "à l’inscription")]);
  }

  async sign() {
    const { prepare, complete } = this.form.dataset;
    const purpose = this.form.querySelector("[data-enrol-purpose]").value;
    const asked = await this.exchange(prepare, { purpose, ...(await this.identity.certificate()) });
    const signatures = await this.identity.sign(asked.items);
    this.password.value = "";
    this.leave((await exchange(complete, { session: asked.session, signatures })).location);
  }
}

export function startEnrolment(form) {
  new EnrolSigner(form).start();
}
